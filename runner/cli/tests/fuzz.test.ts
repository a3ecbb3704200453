// SPDX-License-Identifier: MIT
// `rex-test fuzz` from outside: a short campaign with a fixed seed finds nothing, keeps its state, and goes on from it.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { predict } from "../../../fuzz/interpret/interpret.ts";
import { inputsAt, programsOf } from "../../../fuzz/model/arbitrary.ts";
import { specText } from "../../../fuzz/run/spec-file.ts";
import type { Trial } from "../../../fuzz/run/trial.ts";
import { scratch } from "./command.ts";
import { repository, runCli } from "./support/cli.ts";

interface State {
  readonly nextBatch: number;
  readonly programs: number;
  readonly refused: number;
  readonly findings: readonly unknown[];
}

test("a campaign predicts what programs do, and goes on where it stopped", async () => {
  await using folder = await scratch();
  const fuzz = () =>
    runCli(["fuzz", "--time", "10s", "--jobs", "1", "--seed", "20261", "--corpus", folder.path]);
  const state = async (): Promise<State> =>
    JSON.parse(await readFile(join(folder.path, "campaign-20261.json"), "utf8"));

  const first = await fuzz();
  assert.equal(first.exitCode, 0, first.stdout + first.stderr);
  assert.match(first.stdout, /^fuzzing programs: kernel .*; seed 20261$/m);
  assert.match(
    first.stdout,
    /\d+ programs \([\d.]+\/s, 100\.00 % compile.*\d+ executions \([\d.]+\/s\); 0 found/,
  );
  const before = await state();
  assert.ok(before.nextBatch >= 1 && before.programs > 0);
  assert.deepEqual([before.refused, before.findings], [0, []]);

  const second = await fuzz();
  assert.equal(second.exitCode, 0, second.stdout + second.stderr);
  assert.match(second.stdout, new RegExp(`going on at batch ${before.nextBatch}$`, "m"));
  assert.ok((await state()).nextBatch > before.nextBatch);
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
  assert.match(ran.stdout, /\d{4,} objects \([\d.]+\/s\); 0 found, 0 not confirmed/);
});

/** A program for each way to end, with what it is to do. */
function aTrialOfEachKind(): Map<string, Trial> {
  const seed = 20_261;
  const found = new Map<string, Trial>();
  for (const [index, program] of programsOf(seed, 0, 2_000).entries()) {
    const inputs = inputsAt(seed, index);
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
      const finding = { complaint, trial, reproduced: 0, attempts: 3, cpus: 1 };
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
});
