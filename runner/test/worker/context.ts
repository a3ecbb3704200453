// SPDX-License-Identifier: MIT
// `t`: what a test function gets.
import { readFile } from "node:fs/promises";
import type { MapInfo } from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import type { RexExpect } from "../matchers/index.ts";
import type { Pattern } from "../matchers/result.ts";
import type { CompileResult } from "../programs/compiler.ts";
import { fixtureSource } from "../programs/fixtures.ts";
import type { CompilableSource, ProgramSource } from "../programs/source.ts";
import { GuestRefusalError } from "../rpc/call-errors.ts";
import type { Attachable, Attachments } from "./attachments.ts";
import type { ExpectedSplats, ExpectSplatOptions } from "./expected-splats.ts";
import type { GuestApi } from "./guest-api.ts";
import type { GuestCalls } from "./guest-calls.ts";
import type { KernelInfo } from "./kernel.ts";
import type { GuestUser } from "./permissions.ts";
import { Program } from "./program.ts";
import { CompilerRejection, LoaderRejection } from "./rejections.ts";
import type { StepPath, Steps } from "./steps.ts";

/** A program, or the name of a fixture. */
export type Loadable = string | ProgramSource;

export interface LoadOptions {
  /** Maps of programs that are loaded already, which this one uses in place of maps of its own; by the names it has for them. */
  readonly maps?: Readonly<Record<string, { readonly info: MapInfo }>>;
  /** Who has the kernel load it; root if not given. Needs the permission user. */
  readonly user?: GuestUser;
}

export interface CompiledProgram {
  readonly object: Uint8Array;
  /** Path of the object file. */
  readonly path: string;
}

interface ContextParts {
  readonly specFile: string;
  readonly guest: GuestApi;
  readonly kernel: KernelInfo;
  readonly expectedSplats: ExpectedSplats;
  readonly calls: GuestCalls;
  readonly expect: RexExpect;
  readonly signal: AbortSignal;
  readonly steps: Steps;
  readonly attachments: Attachments;
  readonly compile: (source: CompilableSource) => Promise<CompileResult>;
  readonly onSource: (source: ProgramSource) => void;
}

export class TestContext {
  readonly guest: GuestApi;
  /** Its name, its config and how slow it is. */
  readonly kernel: KernelInfo;
  /** vitest's expect with the matchers for runs, guests and programs. */
  readonly expect: RexExpect;
  /** Aborted when the test is over, for whatever reason. */
  readonly signal: AbortSignal;
  readonly #parts: ContextParts;
  readonly #path: StepPath;
  readonly #loaded: Program[];

  constructor(parts: ContextParts, path: StepPath = [], loaded: Program[] = []) {
    this.#parts = parts;
    this.guest = parts.guest;
    this.kernel = parts.kernel;
    this.expect = parts.expect;
    this.signal = parts.signal;
    this.#path = path;
    this.#loaded = loaded;
  }

  /** Builds a program and has the guest's kernel load it. It is unloaded at the end of the test, if not earlier. */
  async load(what: Loadable, options: LoadOptions = {}): Promise<Program> {
    const source = this.#sourceOf(what);
    const base64 =
      source.kind === "object"
        ? source.base64
        : Buffer.from((await this.compile(source)).object).toString("base64");
    try {
      // A ready-made object is there to be put before the kernel, whatever user space thinks of it.
      const unchecked = source.kind === "object";
      const loaded = await this.#parts.calls.call("load", {
        name: source.name,
        object: base64,
        unchecked,
        ...sharedMaps(options),
        ...this.guest.userPart(options.user),
      });
      const program = new Program(this.#parts.calls, this.guest, source.name, loaded);
      this.#loaded.push(program);
      return program;
    } catch (error) {
      if (error instanceof GuestRefusalError && error.body.blame !== "agent")
        throw new LoaderRejection(source.name, error.body);
      throw error;
    }
  }

  /** Builds a program without loading it. */
  async compile(what: Loadable): Promise<CompiledProgram> {
    const source = this.#sourceOf(what);
    if (source.kind === "object")
      throw new RexTestError("an object is compiled already", { outcome: "failure" });
    const result = await this.#parts.compile(source);
    if (!result.ok) throw new CompilerRejection(source, result.stage, result.rendered);
    return { object: await readFile(result.object), path: result.object };
  }

  /** A named part of the test; parts nest. Returns what `fn` returns, and has to be awaited. */
  step<T>(name: string, fn: (t: TestContext) => Promise<T> | T): Promise<T> {
    const step = this.#parts.steps.run(this.#path, name, (path) =>
      fn(new TestContext(this.#parts, path, this.#loaded)),
    );
    // One that is not awaited fails its test by that; its own failure need not be an error outside of any test as well.
    step.catch(() => undefined);
    return step;
  }

  /**
   * Keeps a file with the test's artifacts, whatever becomes of it, and has the reports name it. Text and bytes are kept as they
   * are, anything else as JSON. Returns the file's path.
   */
  attach(name: string, content: Attachable): Promise<string> {
    return this.#parts.attachments.add(name, content);
  }

  /**
   * The kernel will complain, in these words, and that is what the test wants: it is not held against it, and the test fails when
   * the complaint does not come. Crashes can't be expected.
   */
  expectSplat(pattern: Pattern, options?: ExpectSplatOptions): void {
    this.#parts.expectedSplats.expect(pattern, options);
  }

  /** @internal Throws when a step of the test was not awaited. */
  expectNoStepsRunning(): void {
    this.#parts.steps.expectNoneRunning(this.#path);
  }

  /** @internal Unloads what the test loaded and did not unload, newest first; then removes its network devices. */
  async release(): Promise<void> {
    await this.guest.release();
    for (const program of this.#loaded.reverse()) await program.unload();
    this.#loaded.length = 0;
    await this.guest.net.release();
  }

  #sourceOf(what: Loadable): ProgramSource {
    const source = typeof what === "string" ? fixtureSource(what, this.#parts.specFile) : what;
    this.#parts.onSource(source);
    return source;
  }
}

function sharedMaps({ maps }: LoadOptions): { maps?: Record<string, number> } {
  if (maps === undefined) return {};
  return { maps: Object.fromEntries(Object.entries(maps).map(([name, { info }]) => [name, info.map])) };
}
