// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Compiler } from "./compiler.ts";
import type { CompilableSource } from "./source.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-compiler-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A compiler that says this of every program. */
async function compilerThatSays(answer: Readonly<Record<string, unknown>>): Promise<Compiler> {
  const cargoRex = join(folder, "cargo-rex");
  const script = `#!${process.execPath}
for (const line of require("node:fs").readFileSync(0, "utf8").trim().split("\\n"))
  console.log(JSON.stringify({ id: JSON.parse(line).id, ...${JSON.stringify(answer)} }));
`;
  await writeFile(cargoRex, script, { mode: 0o755 });
  const { signal } = new AbortController();
  return new Compiler({ cargoRex, env: {}, kernelHeaders: folder, jobs: 1, signal });
}

const source: CompilableSource = { kind: "inline", name: "program", text: "" };

test("what is discarded goes from the cache as well: an object with its folder, a refusal alone", async () => {
  for (const name of ["programs/a", "programs/b", "refusals"])
    await mkdir(join(folder, name), { recursive: true });
  const [object, kept] = [join(folder, "programs/a/program.rex"), join(folder, "refusals/a.json")];
  for (const file of [object, kept, join(folder, "refusals/b.json")]) await writeFile(file, "");

  const accepting = await compilerThatSays({ ok: true, object, ms: 1, cached: false });
  await accepting.compile(source);
  await accepting.discard(source);
  expect(await readdir(join(folder, "programs"))).toEqual(["b"]);

  const refusing = await compilerThatSays({ ok: false, stage: "rustc", rendered: "no", kept, cached: true });
  expect(await refusing.compile(source)).toMatchObject({ stage: "rustc", rendered: "no", cached: true });
  await refusing.discard(source);
  expect(await readdir(join(folder, "refusals"))).toEqual(["b.json"]);
});

test("a refusal that the cache does not keep has nothing to be removed", async () => {
  const compiler = await compilerThatSays({ ok: false, stage: "input", rendered: "no", kept: null });
  expect(await compiler.compile(source)).toEqual({
    ok: false,
    stage: "input",
    rendered: "no",
    cached: false,
  });
  await compiler.discard(source);
});
