// SPDX-License-Identifier: MIT
// Compiles programs with `cargo-rex rex compile`: many in one call up front, single ones when a test makes them as it runs.
// The answer to a program is the same for the whole run, so each is compiled once.
import { rm } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { RexTestError } from "../../support/errors.ts";
import { describeEnding, runProcess, succeeded } from "../../support/process.ts";
import { isWhole } from "./integrity.ts";
import { type CompilableSource, type ProgramOrigin, sourceId } from "./source.ts";

export type CompileResult =
  | {
      readonly ok: true;
      readonly object: string;
      readonly debug?: string;
      readonly ms: number;
      readonly cached: boolean;
    }
  | {
      readonly ok: false;
      readonly stage: string;
      readonly rendered: string;
      /** The file that the cache keeps this in, if it does. */
      readonly kept?: string;
      readonly cached?: boolean;
    };

/** A program with line information. */
export interface BuiltProgram {
  readonly source: CompilableSource;
  readonly object: string;
  readonly debug: string;
}

export interface CompilerOptions {
  readonly cargoRex: string;
  /** What it needs to find rustc and its own parts. */
  readonly env: Readonly<Record<string, string>>;
  /** include/ of the kernel artifact. */
  readonly kernelHeaders: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Told what else is being built: core and the rex crate, the first time. undefined: nothing any more. */
  readonly onNote?: (line: string | undefined) => void;
}

/** One program takes about 0.3 s; the first call may have to build core and the rex crate, which takes half a minute. */
const limitMs = 10 * 60_000;
/** What rustc and lld say of a disk that is full or read-only. That is no fault of the program's. */
const hostTrouble =
  /No space left on device|Read-only file system|Disk quota exceeded|os error (?:28|30|122)\b/;

export class Compiler {
  readonly #options: CompilerOptions;
  readonly #results = new Map<string, Promise<CompileResult>>();
  readonly #sources = new Map<string, CompilableSource>();
  readonly #origins = new Map<string, ProgramOrigin>();

  constructor(options: CompilerOptions) {
    this.#options = options;
  }

  /** Says where an inline program is written, so that rustc's places can be told as places of the spec. */
  locate(source: CompilableSource, origin: ProgramOrigin): void {
    if (source.kind === "inline") this.#origins.set(sourceId(source), origin);
  }

  /** Compiles what is not compiled yet. `onResult` is told about each program as it is done. */
  async compileAll(
    sources: readonly CompilableSource[],
    onResult: (source: CompilableSource, result: CompileResult) => void,
  ): Promise<void> {
    const missing = new Map<string, CompilableSource>();
    for (const source of sources) {
      const id = sourceId(source);
      this.#sources.set(id, source);
      if (!this.#results.has(id)) missing.set(id, source);
    }
    if (missing.size === 0) return;
    const waiting = new Map([...missing].map(([id]) => [id, Promise.withResolvers<CompileResult>()]));
    for (const [id, { promise }] of waiting) {
      promise.catch(() => undefined); // also reported by the call itself
      this.#results.set(id, promise);
    }
    try {
      const damaged = new Map<string, CompilableSource>();
      const checks: Promise<void>[] = [];
      const check = async (id: string, result: CompileResult) => {
        const source = missing.get(id);
        if (source === undefined) return;
        if (result.ok && !(await isWhole(result))) {
          damaged.set(id, source);
          return;
        }
        const told = withSpecPlaces(result, this.#origins.get(id));
        waiting.get(id)?.resolve(told);
        onResult(source, told);
      };
      await this.#run(missing, (id, result) => checks.push(check(id, result)));
      await Promise.all(checks.splice(0));
      if (damaged.size > 0) {
        // Made anew; what is damaged again gets no answer.
        await this.#run(damaged, (id, result) => checks.push(check(id, result)));
        await Promise.all(checks);
      }
      for (const [id, { reject }] of waiting)
        reject(new RexTestError(`the compiler gave no answer about ${missing.get(id)?.name}`));
    } catch (error) {
      for (const [id, { reject }] of waiting) {
        this.#results.delete(id);
        reject(error);
      }
      throw error;
    }
  }

  async compile(source: CompilableSource): Promise<CompileResult> {
    const id = sourceId(source);
    if (!this.#results.has(id)) await this.compileAll([source], () => undefined);
    const result = this.#results.get(id);
    if (result === undefined) throw new RexTestError(`the compiler gave no answer about ${source.name}`);
    return result;
  }

  /** Forgets a program, and removes what is known of it from the cache: for those who compile thousands, each of them once. */
  async discard(source: CompilableSource): Promise<void> {
    const id = sourceId(source);
    const result = await this.#results.get(id)?.catch(() => undefined);
    this.#results.delete(id);
    this.#sources.delete(id);
    if (result?.ok) await rm(dirname(result.object), { recursive: true, force: true });
    else if (result?.kept !== undefined) await rm(result.kept, { force: true });
  }

  /** What has been built so far with line information, the newest last. */
  async built(): Promise<readonly BuiltProgram[]> {
    const built: BuiltProgram[] = [];
    for (const [id, promise] of this.#results) {
      const result = await promise.catch(() => undefined);
      const source = this.#sources.get(id);
      if (!result?.ok || result.debug === undefined || source === undefined) continue;
      built.push({ source, object: result.object, debug: result.debug });
    }
    return built;
  }

  async #run(
    programs: ReadonlyMap<string, CompilableSource>,
    onAnswer: (id: string, result: CompileResult) => unknown,
  ): Promise<void> {
    const { cargoRex, env, kernelHeaders, jobs, signal } = this.#options;
    const lines = [...programs].map(([id, source]) => JSON.stringify({ id, ...request(source) }));
    const other: string[] = [];
    let trouble: string | undefined;
    const finished = await runProcess(
      cargoRex,
      ["rex", "compile", "--kernel-headers", kernelHeaders, "--jobs", String(jobs)],
      {
        input: `${lines.join("\n")}\n`,
        env,
        timeoutMs: limitMs,
        signal,
        dieWithParent: true,
        onLine: (line) => {
          const answer = parseAnswer(line);
          if (answer && !answer.result.ok && hostTrouble.test(answer.result.rendered))
            trouble ??= answer.result.rendered;
          else if (answer) onAnswer(answer.id, answer.result);
          else if (line.trim() !== "") {
            other.push(line);
            this.#options.onNote?.(line);
          }
        },
      },
    );
    if (other.length > 0) this.#options.onNote?.(undefined);
    signal.throwIfAborted();
    if (trouble === undefined && succeeded(finished)) return;
    const what = trouble === undefined ? describeEnding(finished.ending) : "could not write what it made";
    const detail = trouble ?? other.slice(-30).join("\n");
    throw new RexTestError(`the program compiler ${what}`, {
      where: finished.command,
      detail,
      hint: hostTrouble.test(detail)
        ? "it writes to the cache: make room there, or set REX_TEST_CACHE to a folder that can be written to"
        : undefined,
    });
  }
}

/** "--> src/main.rs:3:10" becomes "--> specs/a.spec.ts:7:10 (src/main.rs:3:10)". */
export function withSpecPlaces(result: CompileResult, origin: ProgramOrigin | undefined): CompileResult {
  if (result.ok || origin === undefined) return result;
  const file = relative(process.cwd(), origin.file);
  const rendered = result.rendered.replaceAll(
    /(?<=^ *--> )src\/main\.rs:(\d+):(\d+)$/gm,
    (place, line: string, column: string) => `${file}:${origin.line + Number(line) - 1}:${column} (${place})`,
  );
  return { ...result, rendered };
}

function request(source: CompilableSource): Readonly<Record<string, string>> {
  if (source.kind !== "inline") return { name: source.name, path: source.path };
  const { name, text, optLevel } = source;
  return { name, text, ...(optLevel === undefined ? {} : { optLevel }) };
}

function parseAnswer(line: string): { id: string; result: CompileResult } | undefined {
  if (!line.startsWith("{")) return undefined;
  const answer = parseObject(line);
  const id = answer?.["id"];
  if (answer === undefined || typeof id !== "string") return undefined;
  if (answer["ok"] === true && typeof answer["object"] === "string") {
    const debug = typeof answer["debug"] === "string" ? { debug: answer["debug"] } : {};
    return {
      id,
      result: {
        ok: true,
        object: answer["object"],
        ...debug,
        ms: Number(answer["ms"] ?? 0),
        cached: answer["cached"] === true,
      },
    };
  }
  return {
    id,
    result: {
      ok: false,
      stage: String(answer["stage"] ?? "unknown"),
      rendered: String(answer["rendered"] ?? ""),
      ...(typeof answer["kept"] === "string" ? { kept: answer["kept"] } : {}),
      cached: answer["cached"] === true,
    },
  };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
