// SPDX-License-Identifier: MIT
// How much memory a run takes: the runner itself and the guests that it has at a time, as the CLI is used.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RexTestError } from "../../support/errors.ts";
import type { GuestWay } from "../../test/guests/guest.ts";
import type { Benchmark } from "../benchmark.ts";
import type { Lab } from "../lab.ts";
import { memoryOfTree } from "../process-memory.ts";
import type { FigureTable } from "../result.ts";

const launcher = fileURLToPath(new URL("../../cli/rex-test.js", import.meta.url));
const repository = fileURLToPath(new URL("../../..", import.meta.url));
const guests = 8;
const guestMiB = 256;
const limitMs = 5 * 60_000;
const pollMs = 200;
const mib = 1024 * 1024;

interface Usage {
  readonly runner: number;
  readonly guests: number;
}

export const memory: Benchmark = {
  name: "memory",
  title: `how much memory does a run with ${guests} guests take?`,
  run: async (lab) => {
    const rows: FigureTable["rows"][number][] = [];
    for (const [origin, what] of [
      ["fork", "forked guests"],
      ["clone", "cloned guests"],
      ["boot", "booted guests"],
    ] as const) {
      lab.step(what);
      const { runner, guests: theirs } = await peakOf(lab, origin);
      const figures = [runner, theirs, runner + theirs].map((bytes) => Math.round(bytes / mib));
      rows.push({ what, figures });
    }
    const table: FigureTable = {
      title: `at its peak, ${guests} guests of ${guestMiB} MiB at a time, by proportional set size`,
      unit: "MiB",
      columns: ["runner", "QEMU", "all"],
      rows,
    };
    return [table];
  },
};

async function peakOf(lab: Lab, origin: GuestWay): Promise<Usage> {
  const folder = await mkdtemp(join(tmpdir(), "rex-test-memory-"));
  try {
    await mkdir(join(folder, "node_modules"));
    await symlink(repository, join(folder, "node_modules/rex-test"));
    await writeFile(join(folder, "guests.spec.ts"), spec);
    const args = [
      "run",
      ".",
      "--jobs",
      String(guests),
      "--guests",
      origin,
      "--boot-timeout",
      String(limitMs),
    ];
    const cli = spawn(process.execPath, [launcher, ...args, "--kernel", lab.prepared.kernel.path], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
      timeout: limitMs,
      signal: lab.signal,
    });
    const ended = once(cli, "close");
    let peak: Usage = { runner: 0, guests: 0 };
    while (cli.exitCode === null && cli.signalCode === null) {
      const usage = await usageOf(cli.pid ?? 0);
      if (usage.runner + usage.guests > peak.runner + peak.guests) peak = usage;
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, pollMs))]);
    }
    await ended;
    if (cli.exitCode !== 0)
      throw new RexTestError("the run that was to be measured did not pass", { where: folder });
    return peak;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function usageOf(pid: number): Promise<Usage> {
  const processes = await memoryOfTree(pid);
  const sum = (isQemu: boolean) =>
    processes
      .filter(({ name }) => name.startsWith("qemu-system") === isQemu)
      .reduce((total, { pssBytes }) => total + pssBytes, 0);
  return { runner: sum(false), guests: sum(true) };
}

/** All of them are there at the same time, and stay for some rounds of measuring. */
const spec = `import { rexTest } from "rex-test";
const together = Promise.withResolvers();
let begun = 0;
for (let i = 0; i < ${guests}; i++)
  rexTest(\`guest \${i}\`, { memoryMiB: ${guestMiB}, timeoutMs: ${limitMs} }, async (t) => {
    t.expect(await t.guest.syscall("dup", 999)).toReturn("EBADF");
    begun += 1;
    if (begun === ${guests}) setTimeout(together.resolve, ${10 * pollMs});
    await together.promise;
  });
`;
