// SPDX-License-Identifier: MIT
// Things of the cache that were cut or written over: made again where they can be, and told by name where they can't. Snapshots:
// clones.test.ts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cachePath } from "../../support/cache.ts";
import { runCli } from "./support/cli.ts";
import { temporaryFolder } from "./support/images.ts";
import { type OwnCache, ownCache } from "./support/own-cache.ts";

const args = [
  "run",
  "fixtures/projects/broken-program",
  "--filter",
  "sound",
  "--accel",
  "tcg",
  "--guests",
  "boot",
];
const garbage = Buffer.alloc(50_000, "garbage");

/** A cache whose section is its own. */
async function cacheWithOwn(section: "guests" | "probes" | "programs"): Promise<OwnCache> {
  const cache = await ownCache();
  await rm(join(cache.path, section));
  if (section === "probes") await cp(cachePath("probes"), join(cache.path, section), { recursive: true });
  else await mkdir(join(cache.path, section));
  return cache;
}

async function prepare(cache: OwnCache): Promise<string> {
  const { exitCode, stdout, stderr } = await runCli([...args, "--no-run"], { env: cache.env });
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /^ready: 1 test /m);
  return stderr;
}

test("a damaged initramfs is made again", async () => {
  await using cache = await cacheWithOwn("guests");
  await prepare(cache);
  const [name = ""] = await readdir(join(cache.path, "guests"));
  const path = join(cache.path, "guests", name);
  const whole = await readFile(path);
  for (const damage of [() => truncate(path, 1000), () => writeFile(path, garbage)]) {
    await damage();
    await prepare(cache);
    assert.ok(whole.equals(await readFile(path)));
  }
});

test("a damaged program is compiled again", async () => {
  await using cache = await cacheWithOwn("programs");
  await prepare(cache);
  const [entry = ""] = await readdir(join(cache.path, "programs"));
  const path = join(cache.path, "programs", entry, "sound.rex");
  for (const damage of [() => truncate(path, 1000), () => writeFile(path, garbage), () => rm(path)]) {
    await damage();
    await prepare(cache);
    assert.equal((await readFile(path)).toString("latin1", 1, 4), "ELF");
  }
});

test("what was found out about the machine is found out again when it can't be read, or can't be", async () => {
  await using cache = await cacheWithOwn("probes");
  await prepare(cache);
  const names = (await readdir(join(cache.path, "probes"))).filter((name) => name.startsWith("tsc-khz"));
  assert.ok(names.length > 0);
  for (const text of ['{"answer":{"khz":26', '{"answer":{"khz":0}}']) {
    for (const name of names) await writeFile(join(cache.path, "probes", name), text);
    assert.match(await prepare(cache), /how fast is the TSC/);
  }
});

for (const [what, words, damage] of [
  ["was cut", /Error while loading elf kernel/, (whole: Buffer) => whole.subarray(0, 1_000_000)],
  [
    "has garbage in it",
    /QEMU ended with exit code 1/,
    (whole: Buffer) => Buffer.concat([whole.subarray(0, 64), garbage]),
  ],
] as const) {
  test(`a kernel image that ${what}: infrastructure, exit 2, with QEMU's words and a way out`, async () => {
    await using folder = await temporaryFolder();
    const real = (await runCli(["kernel", "path"])).stdout.trim();
    for (const name of await readdir(real))
      if (name !== "vmlinux") await symlink(join(real, name), join(folder.path, name));
    await writeFile(join(folder.path, "vmlinux"), damage(await readFile(join(real, "vmlinux"))));
    const { exitCode, stdout, stderr } = await runCli([...args, "--kernel", folder.path]);
    assert.equal(exitCode, 2, stdout + stderr);
    assert.match(stdout, words);
    assert.match(stdout, /INFRASTRUCTURE FAILED/);
    assert.match(stdout, /the kernel image may be damaged: .*vmlinux[\s\S]*rex-test kernel build/);
  });
}

test("two runs at once that compile the same program", async () => {
  await using cache = await cacheWithOwn("programs");
  await Promise.all([prepare(cache), prepare(cache)]);
  const names = await readdir(join(cache.path, "programs"));
  assert.equal(names.length, 1, names.join(" "));
});

test("what a compiler left half-made that was killed goes with the next run", async () => {
  await using cache = await cacheWithOwn("programs");
  const { pid } = spawnSync("true");
  const drafts = [pid, process.pid].map((owner) => `.draft-${owner}-0`);
  for (const name of drafts) await mkdir(join(cache.path, "programs", name));
  await prepare(cache);
  const left = (await readdir(join(cache.path, "programs"))).filter((name) => name.startsWith(".draft-"));
  assert.deepEqual(left, [`.draft-${process.pid}-0`]);
});
