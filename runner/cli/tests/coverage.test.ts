// SPDX-License-Identifier: MIT
// `rex-test run --coverage` from outside.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findKernel } from "../../kernel/artifacts.ts";
import { scratch } from "./command.ts";
import { repository, runProject } from "./support/cli.ts";

test("a kernel that does not count is refused before anything runs, with a way out", async () => {
  const kernel = await findKernel();
  assert.ok(kernel);
  await using folder = await scratch();
  const coverage = `--coverage=${join(folder.path, "coverage")}`;
  const { exitCode, stdout, stderr } = await runProject("mixed", coverage, "--kernel", kernel.path);
  assert.equal(exitCode, 2, stdout + stderr);
  assert.doesNotMatch(stdout, /passed/);
  assert.match(stderr, /this kernel does not count[\s\S]*where: .*[\s\S]*try: .*leave out --kernel/);
});

test("lines that ran are told in a table, a page and a tracefile, and whose guest was lost", async () => {
  const kernel = await findKernel({ config: "coverage" });
  if (kernel === undefined) {
    assert.fail(
      "takes the kernel of the config coverage, whose build takes minutes: rex-test kernel build --config coverage",
    );
  }
  await using folder = await scratch();
  const { exitCode, stdout, stderr } = await runProject("mixed", `--coverage=${folder.path}`);
  // What became of the tests decides, as ever.
  assert.equal(exitCode, 64, stdout + stderr);
  assert.match(
    stdout,
    /coverage of the runtime +2 guests counted; of 1 guest that crashed, hung or was ended nothing is known/,
  );
  assert.match(stdout, /^ +all +[\d.]+% +\d+\/\d+ +[\d.]+% +\d+\/\d+ +[\d.]+% +\d+\/\d+$/m);
  const tracefile = await readFile(join(folder.path, "lcov.info"), "utf8");
  const [, record = ""] = tracefile.split(`SF:${join(repository, "kernel/sources/kernel/rex/elf.c")}\n`);
  // The boot runs what registers Rex, and nothing was loaded there.
  assert.match(record.split("end_of_record")[0] ?? "", /^DA:\d+,0$/m);
  assert.match(tracefile, /^DA:\d+,[1-9]\d*$/m);
  assert.match(await readFile(join(folder.path, "index.html"), "utf8"), /<details id="kernel\/rex\/exit\.c"/);
});
