// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { affectedSpecs, filesOfSpec, type SpecFiles } from "./dependencies.ts";

let root = "";
let specs: readonly SpecFiles[] = [];
const at = (path: string) => join(root, path);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "rex-test-dependencies-"));
  const files: Readonly<Record<string, string>> = {
    "a.spec.ts": 'import { frame } from "./packets.ts";\nawait t.load("one");',
    "b.spec.ts": 'import { rexTest } from "rex-test";',
    "packets.ts": 'export * from "./bytes.ts";',
    "bytes.ts": "export const frame = 1;",
    "fixtures/programs/one/Cargo.toml": "",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), text);
  }
  specs = ["a.spec.ts", "b.spec.ts"].map((spec) => filesOfSpec(at(spec)));
});
afterAll(() => rm(root, { recursive: true }));

describe("affectedSpecs", () => {
  const some = (...names: readonly string[]) => ({ kind: "some", specs: names.map(at) });
  const affected = (...paths: readonly string[]) => affectedSpecs(specs, paths.map(at));

  it("takes a spec for itself, for what it imports, at whatever distance, and for its programs", () => {
    expect(affected("b.spec.ts")).toEqual(some("b.spec.ts"));
    expect(affected("packets.ts")).toEqual(some("a.spec.ts"));
    expect(affected("bytes.ts", "b.spec.ts")).toEqual(some("a.spec.ts", "b.spec.ts"));
    expect(affected("fixtures/programs/one/src/main.rs")).toEqual(some("a.spec.ts"));
    expect(affected("__snapshots__/b.spec.ts.snap")).toEqual(some("b.spec.ts"));
  });

  it("takes all for what nobody is known to depend on", () => {
    expect(affected("b.spec.ts", "package.json")).toEqual({ kind: "all", because: at("package.json") });
    expect(affected("fixtures/programs/two/src/main.rs").kind).toBe("all");
  });

  it("takes none for what only people read, and for specs that are gone", () => {
    expect(affected("README.md", "docs/a.txt", "gone.spec.ts")).toEqual(some());
  });
});
