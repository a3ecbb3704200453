// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { Prepared } from "../../runner/test/engine/prepare.ts";
import { watchCrate } from "./crate-watching.ts";
import { freshState } from "./state.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-watching-"));
  await mkdir(join(folder, "gcov/kernel/rex"), { recursive: true });
  await writeFile(join(folder, "gcov/kernel/rex/exit.gcno"), "");
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

async function watch(accelerator: string, options: readonly string[]) {
  const said: string[] = [];
  const prepared = { kernel: { path: folder, config: new Set(options) }, guests: { accelerator } };
  const state = freshState({ target: "programs", seed: 1, shard: { index: 1, count: 1 }, kernel: "k" });
  const signal = AbortSignal.timeout(60_000);
  const how = { signal, say: (line: string) => void said.push(line) };
  return { crate: await watchCrate(prepared as unknown as Prepared, state, how), said };
}

const without = /^the coverage of the runtime steers alone, not that of the crate: /;

it("says once what is in the way", async () => {
  const onKvm = await watch("kvm", ["GCOV_KERNEL"]);
  expect(onKvm.crate).toBeUndefined();
  expect(onKvm.said).toEqual([expect.stringMatching(without)]);
  expect(onKvm.said[0]).toContain("KVM");
  vi.stubEnv("PATH", folder);
  const bare = await watch("tcg", ["GCOV_KERNEL"]);
  expect(bare.crate).toBeUndefined();
  expect(bare.said).toEqual([expect.stringMatching(without)]);
});

it("says nothing where nothing steers", async () => {
  expect(await watch("kvm", [])).toEqual({ crate: undefined, said: [] });
});

it("looks where the kernel puts programs", async () => {
  const fixed = await watch("tcg", ["GCOV_KERNEL"]);
  const moved = await watch("tcg", ["GCOV_KERNEL", "RANDOMIZE_BASE"]);
  expect([fixed.said, moved.said]).toEqual([[], []]);
  expect(fixed.crate?.translations.from).toBe("0xffffffffa0000000");
  expect(moved.crate?.translations.from).toBe("0xffffffffc0000000");
});
