// SPDX-License-Identifier: MIT
// Snapshots that tests get clones of: made once, used by others, made again when they are damaged, gone when they are of no use.
// Each test has a cache with no snapshots in it and everything else of the real one.
import assert from "node:assert/strict";
import { open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { type CliResult, childrenOf, qemuBelow, runCli, startCli, survivors } from "./support/cli.ts";
import { type OwnCache, ownCache } from "./support/own-cache.ts";

before(async () => assertPassed(await runCli(["run", "fixtures/projects/cloned"])));

function run(cache: OwnCache, ...args: readonly string[]): Promise<CliResult> {
  const all = ["run", "fixtures/projects/cloned", "--accel", "tcg", "--jobs", "1", ...args];
  return runCli(all, { env: cache.env });
}

function assertPassed(result: CliResult): void {
  assert.equal(result.exitCode, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /2 passed, 0 failed/);
}

/** The one snapshot that there is, nothing half-made beside it. */
async function onlySnapshot(cache: OwnCache): Promise<{ folder: string; made: string }> {
  const names = await readdir(join(cache.path, "snapshots"));
  assert.equal(names.length, 1, names.join(" "));
  const folder = join(cache.path, "snapshots", names[0] ?? "");
  const { birthtimeNs } = await stat(join(folder, "ram"), { bigint: true });
  return { folder, made: String(birthtimeNs) };
}

test("a snapshot is made once and then used", async () => {
  await using cache = await ownCache();
  assertPassed(await run(cache));
  const made = await onlySnapshot(cache);
  const again = await run(cache);
  assertPassed(again);
  assert.deepEqual(await onlySnapshot(cache), made);
  assert.doesNotMatch(again.stderr, /booted, not cloned/);
});

const damages: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  "a changed byte of RAM": async (folder) => {
    await using file = await open(join(folder, "ram"), "r+");
    const middle = 64 * 1024 * 1024;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, middle);
    await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, middle);
  },
  "RAM that was cut": (folder) => truncate(join(folder, "ram"), 1024 * 1024),
  "a state that was cut": (folder) => truncate(join(folder, "state"), 1000),
  "a missing state": (folder) => rm(join(folder, "state")),
  "an unreadable description": (folder) => writeFile(join(folder, "snapshot.json"), "{"),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`a snapshot with ${what} is made again`, async () => {
    await using cache = await ownCache();
    assertPassed(await run(cache));
    const before = await onlySnapshot(cache);
    await damage(before.folder);
    assertPassed(await run(cache));
    const after = await onlySnapshot(cache);
    assert.equal(after.folder, before.folder);
    assert.notEqual(after.made, before.made);
  });
}

test("a snapshot that looks well and can't be restored is made again, and the reader is told", async () => {
  await using cache = await ownCache();
  assertPassed(await run(cache));
  const { folder } = await onlySnapshot(cache);
  const [state, manifest] = [join(folder, "state"), join(folder, "snapshot.json")];
  await writeFile(state, Buffer.alloc((await stat(state)).size, 0xaa));
  // As if the file had never been touched.
  const parsed: { state: { stamp: string } } = JSON.parse(await readFile(manifest, "utf8"));
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(state, { bigint: true });
  parsed.state.stamp = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  await writeFile(manifest, JSON.stringify(parsed));
  const result = await run(cache);
  assertPassed(result);
  assert.match(result.stderr, /a snapshot was damaged and is made again: QEMU ended/);
  await onlySnapshot(cache);
});

test("two runs at once make one snapshot", async () => {
  await using cache = await ownCache();
  for (const result of await Promise.all([run(cache), run(cache)])) assertPassed(result);
  await onlySnapshot(cache);
});

test("--guests boot boots", async () => {
  await using cache = await ownCache();
  assertPassed(await run(cache, "--guests", "boot"));
  await assert.rejects(readdir(join(cache.path, "snapshots")), { code: "ENOENT" });
});

test("where no snapshot can be kept, guests are booted and the reader is told", async () => {
  await using cache = await ownCache();
  await writeFile(join(cache.path, "snapshots"), "a file where a folder should be");
  const result = await run(cache);
  assertPassed(result);
  assert.match(result.stderr, /guests are booted, not cloned: cannot create a folder of the cache/);
});

test("SIGKILL leaves no guest, no clone that waits, and nothing in memory but the snapshot", async () => {
  await using cache = await ownCache();
  const inMemory = new Set(await readdir("/dev/shm"));
  const cli = startCli(["run", "fixtures/projects/endless", "--accel", "tcg", "--jobs", "2"], {
    env: cache.env,
  });
  await cli.printed("test-is-running");
  const pid = cli.child.pid ?? 0;
  const machines = await qemuBelow(pid);
  assert.ok(machines.length > 0, "there should be guests");
  const [runner = pid] = (await childrenOf(pid)).filter((child) => !machines.includes(child));
  process.kill(runner, "SIGKILL");
  await cli.result;
  assert.deepEqual(await survivors(machines, 2_000), []);
  await onlySnapshot(cache);
  const left = (await readdir("/dev/shm")).filter((name) => !inMemory.has(name) && /rex|qemu|ram/.test(name));
  assert.deepEqual(left, []);
});

test("what a run that was killed left half-made is removed by the next", async () => {
  await using cache = await ownCache();
  const cli = startCli(["run", "fixtures/projects/cloned", "--accel", "tcg"], {
    env: cache.env,
  });
  const pid = cli.child.pid ?? 0;
  const halfMade = async () =>
    (await readdir(join(cache.path, "snapshots")).catch(() => [])).filter((name) => name.startsWith(".tmp-"));
  while ((await halfMade()).length === 0) assert.equal(cli.child.exitCode, null, "it ended too early");
  const machines = await qemuBelow(pid);
  cli.child.kill("SIGKILL");
  await cli.result;
  assert.deepEqual(await survivors(machines, 10_000), []);
  // The runner proper notices that its launcher has gone, and may take its time.
  assertPassed(await run(cache));
  await onlySnapshot(cache);
});
