// SPDX-License-Identifier: MIT
// Runs the real CLI as a user does, from outside: by another runner (node --test), so that a broken rex-test cannot certify itself.
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const launcher = fileURLToPath(new URL("../../rex-test.js", import.meta.url));
const limitMs = 180_000;

export interface CliResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
  /** Resolves when the output has the text; rejects when the CLI ends first. */
  printed(text: string): Promise<void>;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** For sh: what is done before the CLI takes its place, in a mount namespace of its own. */
  readonly before?: string;
}

/** Starts `rex-test <args>` in the repository. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const startedAt = performance.now();
  const command = [process.execPath, launcher, ...args];
  const [program = "", ...rest] = options.before === undefined ? command : within(options.before, command);
  const child = spawn(program, rest, {
    cwd: options.cwd ?? repository,
    env: {
      ...process.env,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
      NODE_TEST_CONTEXT: undefined,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const check of waiting) check();
    });
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ exitCode, signal, ...output, durationMs: performance.now() - startedAt });
    });
  });
  const printed = async (text: string) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (output.stdout.includes(text) || output.stderr.includes(text)) resolve();
    };
    waiting.add(check);
    check();
    const ended = result.then(() => {
      throw new Error(`the CLI ended without printing "${text}"\n${output.stdout}\n${output.stderr}`);
    });
    ended.catch(() => undefined);
    await Promise.race([promise, ended]).finally(() => waiting.delete(check));
  };
  return { child, result, printed };
}

/** The shell and unshare(1) make room for the CLI, so that its pid is the child's. */
function within(before: string, command: readonly string[]): readonly string[] {
  const isRoot = process.getuid?.() === 0;
  const unshare = ["unshare", "--mount", ...(isRoot ? [] : ["--map-root-user"])];
  return [...unshare, "sh", "-ec", `${before}\nexec "$@"`, "sh", ...command];
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}

/** `rex-test run` on one of the projects that fail on purpose. */
export function runProject(project: string, ...args: readonly string[]): Promise<CliResult> {
  return runCli(["run", `fixtures/projects/${project}`, ...args]);
}

/** All processes below `pid` that run QEMU, at any depth. */
export async function qemuBelow(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const child of await childrenOf(pid)) {
    if ((await commandOf(child)).startsWith("qemu-system")) found.push(child);
    found.push(...(await qemuBelow(child)));
  }
  return found;
}

export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // A zombie has ended; only its parent has not looked yet.
  return stat !== undefined && !/\) Z /.test(stat);
}

/** Waits until none of the processes is alive, at most `withinMs`; returns those that still are. */
export async function survivors(pids: readonly number[], withinMs: number): Promise<number[]> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const alive = [];
    for (const pid of pids) if (await isAlive(pid)) alive.push(pid);
    if (alive.length === 0 || performance.now() > giveUpAt) return alive;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
}
