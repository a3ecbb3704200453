// SPDX-License-Identifier: MIT
// --watch on a terminal. A spec that is no TypeScript fails without a guest, which is enough to see that it was run.
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { repository } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";
import { startOnTerminal } from "./support/terminal.ts";

test("--watch runs the specs that depend on what changed, all of them on Enter, and ends with q", async () => {
  await using folder = await temporaryFolder();
  const write = (name: string, text: string) => writeFile(join(folder.path, name), text);
  await mkdir(join(folder.path, "node_modules"));
  await symlink(repository, join(folder.path, "node_modules/rex-test"));
  await write("a.spec.ts", 'import "./shared.ts";\nlet a = ;\n');
  await write("b.spec.ts", "let b = ;\n");
  await write("shared.ts", "export {};\n");
  const cli = startOnTerminal(["run", ".", "--watch"], folder.path);

  const first = await cli.shows(/waiting for changes; Enter runs all specs, q quits/);
  assert.match(first, /rex-test run --watch .* all specs/);
  assert.match(first, /NOT LOADED {2}a\.spec\.ts[\s\S]*NOT LOADED {2}b\.spec\.ts/);

  cli.forget();
  await write("b.spec.ts", "let c = ;\n");
  const second = await cli.shows(/b\.spec\.ts changed[\s\S]*waiting for changes/);
  assert.match(second, /NOT LOADED {2}b\.spec\.ts/);
  assert.doesNotMatch(second, /NOT LOADED {2}a\.spec\.ts/);

  cli.forget();
  await write("notes.txt", "no spec's");
  cli.press("\r");
  const third = await cli.shows(/all specs[\s\S]*waiting for changes/);
  assert.match(third, /NOT LOADED {2}a\.spec\.ts/);
  assert.doesNotMatch(third, /notes\.txt/);

  cli.press("q");
  assert.equal(await cli.exitCode, 1);
});
