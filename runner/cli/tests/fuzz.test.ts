// SPDX-License-Identifier: MIT
// `rex-test fuzz` from outside: a short campaign with a fixed seed finds nothing, and is the same when it is killed in the middle.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { predict } from "../../../fuzz/interpret/interpret.ts";
import { inputsAt, programsOf } from "../../../fuzz/model/arbitrary.ts";
import type { Schedule } from "../../../fuzz/model/schedule.ts";
import { batchPrograms } from "../../../fuzz/run/programs-target.ts";
import { specText } from "../../../fuzz/run/spec-file.ts";
import type { Trial } from "../../../fuzz/run/trial.ts";
import { findKernel } from "../../kernel/artifacts.ts";
import { scratch } from "./command.ts";
import { repository, runCli, startCli } from "./support/cli.ts";

interface State {
  readonly nextBatch: number;
  readonly ahead: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly unknown[];
  readonly digest: string;
}

const seed = "20261";
const pollMs = 20;

test("a campaign that is killed goes on, and does the same as one that is not", async () => {
  await using folder = await scratch();
  const [killed, whole] = [join(folder.path, "killed"), join(folder.path, "whole")];
  const fuzz = (corpus: string, jobs: string, batches: number) =>
    startCli([
      "fuzz",
      "--batches",
      String(batches),
      "--time",
      "10m",
      "--jobs",
      jobs,
      "--seed",
      seed,
      "--corpus",
      corpus,
    ]);
  const state = async (corpus: string): Promise<State> =>
    JSON.parse(await readFile(join(corpus, `campaign-${seed}.json`), "utf8"));

  // It is the one to be killed that has more to do: it must not have come to its end when it is seen to have begun.
  const first = fuzz(killed, "1", 100);
  const begun = async () => (await state(killed).catch(() => undefined))?.nextBatch ?? 0;
  while ((await begun()) === 0 && first.child.exitCode === null) await pause(pollMs);
  first.child.kill("SIGKILL");
  const { signal, stdout, stderr } = await first.result;
  assert.equal(signal, "SIGKILL", `it ended too early\n${stdout}${stderr}`);
  const before = await state(killed);
  assert.ok(before.nextBatch >= 1, JSON.stringify(before));
  // Whole batches, and nothing of others.
  const { programs = 0, undecided = 0, refused = 0 } = before.counts;
  assert.equal(programs + undecided + refused, batchPrograms * (before.nextBatch + before.ahead.length));

  const batches = before.nextBatch + before.ahead.length + 1;
  const again = await fuzz(killed, "1", batches).result;
  assert.equal(again.exitCode, 0, again.stdout + again.stderr);
  assert.match(again.stdout, new RegExp(`; seed ${seed}, going on at batch ${before.nextBatch}$`, "m"));
  const control = await fuzz(whole, "2", batches).result;
  assert.equal(control.exitCode, 0, control.stdout + control.stderr);
  assert.match(
    control.stdout,
    /\d+ programs \([\d.]+\/s\), 100\.00 % compile; \d+ executions \([\d.]+\/s\).*; 0 found/,
  );

  const [resumed, unbroken] = [await state(killed), await state(whole)];
  for (const part of ["nextBatch", "ahead", "counts", "findings", "digest"] as const)
    assert.deepEqual(resumed[part], unbroken[part]);
  assert.match(control.stdout, new RegExp(`^digest ${resumed.digest} of ${batches} batches$`, "m"));

  const merged = join(folder.path, "merged");
  const merge = await runCli(["fuzz", "merge", killed, whole, "--corpus", merged]);
  assert.equal(merge.exitCode, 0, merge.stderr);
  assert.match(merge.stdout, /^programs: 1 campaign, 0 findings, 0 inputs/);
  const report = await runCli(["fuzz", "report", "--corpus", merged]);
  assert.equal(report.exitCode, 0, report.stderr);
  assert.match(await readFile(join(merged, "report.html"), "utf8"), new RegExp(resumed.digest));
});

test("on a kernel that counts what runs, programs that reach something new are kept, and others are made of them", async () => {
  if ((await findKernel({ config: "coverage" })) === undefined) {
    assert.fail(
      "takes the kernel of the config coverage, whose build takes minutes: rex-test kernel build --config coverage",
    );
  }
  await using folder = await scratch();
  const fuzz = (corpus: string, own: string) =>
    runCli([
      "fuzz",
      "--config",
      "coverage",
      "--batches",
      "2",
      "--time",
      "10m",
      "--jobs",
      "1",
      "--seed",
      own,
      "--corpus",
      corpus,
    ]);
  const [counted, plain] = [join(folder.path, "counted"), join(folder.path, "plain")];
  const first = await fuzz(counted, seed);
  assert.equal(first.exitCode, 0, first.stdout + first.stderr);
  const [, lines = "", linesOf = ""] = /(\d+) lines \(([\d.]+) %\) and \d+ branches/.exec(first.stdout) ?? [];
  assert.ok(Number(lines) > 300 && Number(linesOf) > 10, first.stdout);
  const kept = await readdir(join(counted, "inputs"));
  assert.ok(kept.length > 0);
  const input = JSON.parse(await readFile(join(counted, "inputs", kept[0] ?? ""), "utf8"));
  assert.equal(input.why, "coverage");
  assert.match(input.raised[0], /^kernel\/rex\/\w+ [0-9a-f]+\.\d+$/);

  // The same seed with a corpus makes other programs than without.
  const digestOf = (stdout: string) => /^digest (\w+) of 4 batches$/m.exec(stdout)?.[1];
  const ofFour = (corpus: string) =>
    runCli(["fuzz", "--batches", "4", "--time", "10m", "--jobs", "1", "--seed", "5", "--corpus", corpus]);
  await mkdir(plain);
  const without = await ofFour(plain);
  await cp(join(counted, "inputs"), join(folder.path, "with", "inputs"), { recursive: true });
  const guided = await ofFour(join(folder.path, "with"));
  for (const ran of [without, guided]) assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
  assert.ok(digestOf(guided.stdout) !== undefined, guided.stdout);
  assert.notEqual(digestOf(guided.stdout), digestOf(without.stdout));
});

test("damaged objects by the thousand harm no kernel", async () => {
  await using folder = await scratch();
  const ran = await runCli([
    "fuzz",
    "loader",
    "--time",
    "5s",
    "--jobs",
    "1",
    "--seed",
    "3",
    "--corpus",
    folder.path,
  ]);
  assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /\d{4,} objects \([\d.]+\/s\); \d+ loaded; 0 found, 0 not confirmed/);
});

/** What goes on while some of them run. */
const schedules: Readonly<Record<string, Schedule>> = {
  returns: {
    lanes: 2,
    neighbour: true,
    visitors: [{ kind: "clock", cpu: 0, periodUs: 2_000, deed: "panic" }, { kind: "reload" }],
  },
  "packet panics": { lanes: 1, neighbour: false, visitors: [{ kind: "lookup", deed: "hold" }] },
  timeout: { lanes: 1, neighbour: false, visitors: [{ kind: "detach" }] },
};

/** A program for each way to end, with what it is to do. */
function aTrialOfEachKind(): Map<string, Trial> {
  const found = new Map<string, Trial>();
  for (const [index, program] of programsOf(Number(seed), 0, 2_000).entries()) {
    const inputs = inputsAt(Number(seed), index);
    const prediction = predict(program, inputs);
    const ends = prediction?.runs[0]?.kind;
    const kind = program.packet ? `packet ${ends}` : `${ends}`;
    if (prediction !== undefined && !found.has(kind)) found.set(kind, { program, inputs, prediction });
  }
  return found;
}

test("the specs that are written of findings pass where the bug is not", async () => {
  const trials = aTrialOfEachKind();
  const kinds = ["nested", "overflow", "panics", "resources", "returns", "timeout"];
  const packets = ["packet panics", "packet returns", "packet timeout"];
  for (const kind of [...kinds, ...packets]) assert.ok(trials.has(kind), kind);
  // Below the repository, where specs find "rex-test".
  await mkdir(join(repository, "artifacts"), { recursive: true });
  const folder = await mkdtemp(join(repository, "artifacts", "fuzz-specs-"));
  try {
    const files = [...trials].map(async ([kind, trial]) => {
      const complaint = { oracle: "prediction", title: kind, detail: "none" } as const;
      const file = join(folder, `${kind.replace(" ", "-")}.spec.ts`);
      const finding = { complaint, trial, reproduced: 0, attempts: 3, cpus: 2, schedule: schedules[kind] };
      await writeFile(file, specText(finding, { kernel: "any", seed: 1 }, file));
      return file;
    });
    const ran = await runCli(["run", ...(await Promise.all(files))]);
    assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, new RegExp(`^${trials.size} passed, 0 failed`, "m"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("mistakes are told before anything is prepared", async () => {
  const time = await runCli(["fuzz", "--time", "soon"]);
  assert.equal(time.exitCode, 2);
  assert.match(time.stderr, /write it as 30s, 10m or 8h/);
  const target = await runCli(["fuzz", "everything"]);
  assert.equal(target.exitCode, 2);
  assert.match(target.stderr, /programs, loader/);
  const oracle = await runCli(["fuzz", "--oracle", "prediction,omen"]);
  assert.equal(oracle.exitCode, 2);
  assert.match(oracle.stderr, /no oracle "omen".*prediction, kernel health/);
  const silent = await runCli(["fuzz", "loader", "--oracle", "stack-bound"]);
  assert.equal(silent.exitCode, 2);
  assert.match(silent.stderr, /has nothing to say of the target loader/);
  const shard = await runCli(["fuzz", "--shard", "3/2"]);
  assert.equal(shard.exitCode, 2);
  assert.match(shard.stderr, /not a part of a whole/);
  const report = await runCli(["fuzz", "report", "--corpus", "fixtures"]);
  assert.equal(report.exitCode, 2);
  assert.match(report.stderr, /no campaign in this folder/);
});
