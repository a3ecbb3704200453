// SPDX-License-Identifier: MIT
// The CLI on a terminal: script(1) gives it one of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("../../rex-test.js", import.meta.url));
const limitMs = 120_000;

export interface TerminalCli {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  /** Resolves to all that was printed when it matches; rejects when the CLI ends first. */
  shows(pattern: RegExp): Promise<string>;
  /** What was printed so far counts for nothing in later `shows`. */
  forget(): void;
  press(keys: string): void;
}

export function startOnTerminal(args: readonly string[], cwd: string): TerminalCli {
  const command = [process.execPath, launcher, ...args]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(" ");
  const child = spawn("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], {
    cwd,
    env: {
      ...process.env,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
      NODE_TEST_CONTEXT: undefined,
      CI: undefined,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    for (const check of waiting) check();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
  const shows = async (pattern: RegExp) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const check = () => {
      if (pattern.test(shown)) resolve(shown);
    };
    waiting.add(check);
    check();
    const ended = exitCode.then((): never => {
      throw new Error(`the CLI ended without showing ${String(pattern)}:\n${shown}`);
    });
    ended.catch(() => undefined);
    return Promise.race([promise, ended]).finally(() => waiting.delete(check));
  };
  return {
    child,
    exitCode,
    shows,
    forget: () => {
      shown = "";
    },
    press: (keys) => child.stdin.write(keys),
  };
}
