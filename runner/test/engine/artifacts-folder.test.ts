// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openArtifactsFolder } from "./artifacts-folder.ts";

/** Larger than any pid of Linux. */
const nobody = 5_000_000;

test("old runs go, except one that is still under way", async () => {
  const root = await mkdtemp(join(tmpdir(), "rex-test-artifacts-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const ended = Array.from(
    { length: 12 },
    (_, i) => `20200101-0000${String(i).padStart(2, "0")}-${nobody + i}`,
  );
  const underWay = `20190101-000000-${process.pid}`;
  for (const name of [...ended, underWay]) await mkdir(join(root, name));

  const { path } = await openArtifactsFolder(root);

  const left = (await readdir(root)).filter((name) => !name.startsWith("."));
  expect(left).toHaveLength(11);
  expect(left).toContain(underWay);
  expect(left).not.toContain(ended[0]);
  expect(join(root, left.at(-1) ?? "")).toBe(path);
});
