// SPDX-License-Identifier: MIT
// The interpreter against rustc: all predictions for a few hundred programs. REX_TEST_SEED chooses others.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { requireRust } from "../../runner/doctor/toolchain.ts";
import { predict } from "../interpret/interpret.ts";
import { programsOf } from "../model/arbitrary.ts";
import { type Case, objections } from "./second-opinion.ts";

const run = promisify(execFile);
const seed = Number(process.env["REX_TEST_SEED"] ?? 20_261);
const count = 200;
const inputs = [3n, 0xffff_ffff_1234_5678n];
const limitMs = 240_000;

it("the host does what was predicted", { timeout: limitMs }, async ({ signal }) => {
  const rust = await requireRust(signal);
  const cases = programsOf(seed, 0, count).flatMap((program): Case[] => {
    const prediction = predict(program, inputs);
    return prediction === undefined ? [] : [{ program, inputs, prediction }];
  });
  expect(cases.length).toBeGreaterThan(count * 0.9);
  const ends = new Set(cases.flatMap(({ prediction }) => prediction.runs.map(({ kind }) => kind)));
  expect(ends).toContain("panics");
  const env = { ...process.env, ...(rust.libraryPath ? { LD_LIBRARY_PATH: rust.libraryPath } : {}) };
  const execute = async (command: string, args: readonly string[]) =>
    (await run(command, args, { env, maxBuffer: 1 << 26 })).stdout;
  expect(await objections(cases, join(rust.bin, "rustc"), execute), `seed ${seed}`).toEqual([]);
});
