// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { testReport, verdict } from "../reporters/testing/recorded-run.ts";
import { FailureLog, type FailureSettings, findFailure, recentFailures } from "./failures.ts";

const settings: FailureSettings = {
  cwd: "/project",
  kernel: "/kernels/k",
  config: "kasan",
  accelerator: "tcg",
  guests: "boot",
  timeoutMs: 1_000,
  bootLimitMs: 2_000,
};

async function project(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rex-failures-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function failing(id: string, artifacts?: string) {
  const failure = artifacts === undefined ? undefined : { exits: [], artifacts };
  return testReport("fails", {
    id,
    verdict: verdict({ outcome: { kind: "failed", reason: "1 is not 2" }, failure }),
  });
}

test("a failure is found by its id or the beginning of it, with the settings of its run", async () => {
  const cwd = await project();
  const run = join(cwd, "artifacts/20260101-000000-1");
  const log = new FailureLog(run, settings);
  log.add(failing("aabb0011", join(run, "a-fails")));
  log.add(failing("aacc0022"));
  log.add(testReport("passes"));
  expect(await recentFailures(cwd)).toHaveLength(2);
  expect(await findFailure(cwd, "aabb")).toMatchObject({
    id: "aabb0011",
    file: "specs/panic/a.spec.ts",
    name: "fails",
    outcome: "failed",
    folder: join(run, "a-fails"),
    settings,
  });
  await expect(findFailure(cwd, "aa")).rejects.toThrow("several failures");
  await expect(findFailure(cwd, "ff")).rejects.toThrow("no failure with the id ff is known here");
});

test("what is no record of a failure is passed over", async () => {
  const cwd = await project();
  expect(await recentFailures(cwd)).toEqual([]);
  for (const [name, contents] of Object.entries({ half: '{"id":', other: '{"version":0,"id":"x"}' })) {
    const folder = join(cwd, "artifacts/run", name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "failure.json"), contents);
  }
  expect(await recentFailures(cwd)).toEqual([]);
});
