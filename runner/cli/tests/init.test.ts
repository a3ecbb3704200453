// SPDX-License-Identifier: MIT
// A project of somebody else's: made by `rex-test init`, with rex-test as a package in its node_modules.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { exists } from "../../support/cache.ts";
import { cargoTarget } from "../../support/cargo-target.ts";
import { repository, runCli } from "./support/cli.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/images.ts";

const run = promisify(execFile);
let folder: TemporaryFolder;
let project = "";
let tarball = "";

before(async () => {
  folder = await temporaryFolder();
  project = join(folder.path, "my-probes");
  const packed = await run("npm", ["pack", "--json", "--pack-destination", folder.path], { cwd: repository });
  const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("["))) as [
    { filename: string },
  ];
  tarball = join(folder.path, filename);
});
after(() => folder[Symbol.asyncDispose]());

/** What npm would do, without the network: the package unpacked, and its dependencies beside it. */
async function install(): Promise<void> {
  const packages = join(project, "node_modules");
  await mkdir(packages, { recursive: true });
  const ours = join(repository, "node_modules");
  for (const name of await readdir(ours)) await symlink(join(ours, name), join(packages, name));
  await run("tar", ["-xzf", tarball, "-C", folder.path]);
  await rename(join(folder.path, "package"), join(packages, "rex-test"));
}

/**
 * What this repository's build has made of other people's crates is given to the project's: it then compiles our own, which are in the
 * package, and not the whole world. A copy, because cargo writes to files that are there.
 */
async function seedCargoTarget(): Promise<void> {
  const [from, to] = [cargoTarget(), cargoTarget(join(project, "node_modules/rex-test/rex-crate/"))];
  for (const part of ["release", "x86_64-unknown-linux-gnu/release"]) {
    if (!(await exists(join(from, part)))) continue;
    await mkdir(dirname(join(to, part)), { recursive: true });
    await run("cp", ["--archive", "--reflink=auto", join(from, part), join(to, part)]);
  }
}

/** Blocks of the tutorial and the how-to guides that begin with the name of a spec, in the order in which they are read. */
async function examplesOfGuides(): Promise<ReadonlyMap<string, string>> {
  const examples = new Map<string, string>();
  for (const guide of ["tutorial.md", "how-to/write-a-matcher-or-a-trigger.md"]) {
    const text = await readFile(join(repository, "docs", guide), "utf8");
    for (const [, code = "", name = ""] of text.matchAll(/^```ts\n(\/\/ specs\/(\S+)\n[\s\S]*?)^```$/gm))
      examples.set(name, code);
  }
  return examples;
}

/** The command that npm would link to node_modules/.bin. */
async function installed(...args: readonly string[]): Promise<string> {
  const command = join(project, "node_modules/rex-test/runner/cli/rex-test.js");
  const env = { ...process.env, NO_COLOR: "1", NODE_TEST_CONTEXT: undefined };
  const ran = await run(process.execPath, [command, ...args], { cwd: project, env, timeout: 150_000 });
  assert.doesNotMatch(ran.stderr, /ExperimentalWarning/);
  return ran.stdout;
}

test("init makes a project and says the next two commands", async () => {
  const ran = await runCli(["init", project, "--dependency", `file:${tarball}`]);
  assert.equal(ran.exitCode, 0, ran.stderr);
  assert.match(ran.stdout, /^made {3}specs\/panic\.spec\.ts$/m);
  assert.match(ran.stdout, /Next:\n\n.*\n {4}npm install\n {4}npm test\n/);
});

test("init in the same place keeps what is there, and says so", async () => {
  const ran = await runCli(["init", "."], { cwd: project });
  assert.equal(ran.exitCode, 0, ran.stderr);
  assert.doesNotMatch(ran.stdout, /^made/m);
  assert.match(ran.stdout, /^kept {3}package\.json \(it was there\)$/m);
  assert.match(ran.stdout, /npm install --save-dev file:/);
});

test("the project's types are right, by the declarations in the package, and so are those of the guides", async () => {
  await install();
  const guides = await examplesOfGuides();
  assert.deepEqual(
    [...guides.keys()],
    ["first.spec.ts", "matchers.ts", "quick.spec.ts", "triggers.ts", "open.spec.ts"],
  );
  for (const [name, text] of guides) await writeFile(join(project, "specs", name), text);
  const tsc = join(project, "node_modules/.bin/tsc");
  await run(tsc, [], { cwd: project });
  await writeFile(join(project, "specs/wrong.ts"), 'import { rexTest } from "rex-test";\nrexTest(1);\n');
  const wrong: unknown = await run(tsc, [], { cwd: project }).catch((error: unknown) => error);
  assert.match(String(Reflect.get(Object(wrong), "stdout")), /^specs\/wrong\.ts\(2,/m);
});

test("its specs pass at once: inline programs, a cargo project, matchers and triggers of its own", async () => {
  await seedCargoTarget();
  const stdout = await installed("run", "--jobs", "1");
  assert.match(stdout, /✓ specs\/count-dups\.spec\.ts > each call of dup is counted/);
  assert.match(stdout, /✓ specs\/panic\.spec\.ts > an index out of bounds/);
  assert.match(stdout, /^5 passed, 0 failed/m);
});

test("the package has the commands that a project can use", async () => {
  const help = await installed("--help");
  assert.match(help, /^ {2}kernel /m);
  assert.doesNotMatch(help, /^ {2}(mutants|bench) /m);
});

test("the workflow's action is in the package, and the package's kernel is the same as here", async () => {
  const workflow = await readFile(join(project, ".github/workflows/rex-test.yml"), "utf8");
  const action = /uses: \.\/(node_modules\/\S+)/.exec(workflow)?.[1] ?? "";
  assert.match(await readFile(join(project, action, "action.yml"), "utf8"), /npx --no rex-test ci run/);
  const kernelKey = (text: string) => /^kernel-key=(.+)$/m.exec(text)?.[1];
  const here = await runCli(["ci", "keys"]);
  assert.equal(kernelKey(await installed("ci", "keys")), kernelKey(here.stdout));
});
