// SPDX-License-Identifier: MIT
// What `rex-test kernel` says to wrong input. Run by node --test: a broken runner can't certify itself.
import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { makeRecipe } from "../../kernel/recipe.ts";
import { cachePath, exists } from "../../support/cache.ts";
import { rexTest, scratch } from "./command.ts";

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Enough of a kernel for the hooks to be tried on. */
async function fakeTree(folder: string): Promise<string> {
  await put(join(folder, "Makefile"), "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n");
  await put(join(folder, "kernel/Makefile"), "obj-y = fork.o\nobj-y += something_else.o\n");
  await put(join(folder, "kernel/bpf/Kconfig"), "config BPF\n\tbool\n");
  return folder;
}

test("an unknown config is answered with the known ones", async () => {
  const ran = await rexTest(["kernel", "build", "--config", "nosuch"]);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error: there is no kernel config named "nosuch"/);
  assert.match(ran.stderr, /try: +one of .*default, .*kmemleak, .*orc/);
});

test("a fragment with a line that is no option is refused with its place", async () => {
  await using folder = await scratch();
  const path = join(folder.path, "mine.config");
  await put(path, "CONFIG_A=y\nB=y\n");
  const ran = await rexTest(["kernel", "build", "--config", path]);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /not a kernel option: "B=y"/);
  assert.match(ran.stderr, /mine\.config:2/);
});

test("a series without hooks, and one that is no series", async () => {
  const old = await rexTest(["kernel", "build", "--version", "5.10"]);
  assert.equal(old.code, 2);
  assert.match(old.stderr, /there are no hooks for Linux 5\.10/);
  assert.match(old.stderr, /--version 6\.12/);
  const odd = await rexTest(["kernel", "build", "--version", "../.."]);
  assert.equal(odd.code, 2);
  assert.match(odd.stderr, /not a kernel series/);
});

test("a source that is not there, and one that is no kernel", async () => {
  await using folder = await scratch();
  const absent = await rexTest(["kernel", "build", "--source", join(folder.path, "none")]);
  assert.equal(absent.code, 2);
  assert.match(absent.stderr, /no such kernel source/);
  const empty = await rexTest(["kernel", "build", "--source", folder.path]);
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /this directory is not a Linux kernel tree/);
});

test("a hunk that does not apply is named with its file, line and reason, and the user's tree is not touched", async () => {
  await using folder = await scratch();
  const tree = await fakeTree(join(folder.path, "linux"));
  const before = await readdir(tree, { recursive: true });
  const ran = await rexTest(["kernel", "build", "--source", tree], {
    env: { REX_TEST_CACHE: join(folder.path, "cache") },
  });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error: the hook 0001-\S+\.patch does not apply to this kernel/);
  assert.match(
    ran.stderr,
    /kernel\/Makefile, hunk 1: does not apply at line \d+; line \d+: the hook expects ".+", the file has ".*"/,
  );
  assert.match(ran.stderr, /\| \+obj-\$\(CONFIG_REX\)/, "the rejected hunk is shown");
  assert.deepEqual(await readdir(tree, { recursive: true }), before);
  assert.equal(await exists(join(folder.path, "cache/kernels")), false);
});

test("an option that does not stick is named with what it needs", async (t) => {
  const { source } = await makeRecipe();
  if (source.kind === "directory" || !(await exists(cachePath("trees", source.id, "tree")))) {
    return t.diagnostic("no unpacked kernel source: `rex-test kernel build` makes one");
  }
  await using folder = await scratch();
  const path = join(folder.path, "unstuck.config");
  await put(path, "CONFIG_MODULE_SIG=y\nCONFIG_NO_SUCH_OPTION=y\n");
  after(() => rm(cachePath("build", `${source.id}-unstuck`), { recursive: true, force: true }));
  const ran = await rexTest(["kernel", "build", "--config", path], { limitMs: 300_000 });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error: 2 of the kernel options asked for did not stick/);
  assert.match(ran.stderr, /CONFIG_MODULE_SIG: wanted y, got not set; needs MODULES \(MODULES is not set\)/);
  assert.match(ran.stderr, /CONFIG_NO_SUCH_OPTION: wanted y, got not set; this kernel has no such option/);
});

test("what has not been built has no path, and the list says how to build", async () => {
  await using folder = await scratch();
  const env = { REX_TEST_CACHE: folder.path };
  const path = await rexTest(["kernel", "path", "--config", "orc"], { env });
  assert.equal(path.code, 2);
  assert.equal(path.stdout, "");
  assert.match(path.stderr, /try: +rex-test kernel build --config orc/);
  const list = await rexTest(["kernel", "list"], { env });
  assert.equal(list.code, 0);
  assert.match(list.stdout, /no kernel has been built yet/);
});

test("Ctrl-C during a download ends it at once and leaves nothing behind", async () => {
  await using folder = await scratch();
  const server = createServer(() => {}); // never answers
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  let sent = false;
  const ran = await rexTest(["kernel", "build", "--source", "kernel.org"], {
    env: { REX_TEST_CACHE: folder.path, REX_TEST_KERNEL_MIRROR: `http://127.0.0.1:${port}` },
    onStderr: (text, signal) => {
      if (sent || !text.includes("downloading")) return;
      sent = true;
      signal("SIGINT");
    },
    limitMs: 20_000,
  });
  server.closeAllConnections();
  server.close();
  assert.equal(ran.code, 130);
  assert.match(ran.stderr, /interrupted by SIGINT/);
  assert.deepEqual(await readdir(join(folder.path, "sources")), []);
});

test("a tarball with the wrong checksum is refused", async () => {
  await using folder = await scratch();
  await put(join(folder.path, "mirror/linux-6.12.tar.xz"), "a login page of a proxy");
  const ran = await rexTest(["kernel", "build", "--source", "kernel.org"], {
    env: {
      REX_TEST_CACHE: join(folder.path, "cache"),
      REX_TEST_KERNEL_MIRROR: `file://${folder.path}/mirror`,
    },
  });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /the downloaded kernel source is not the pinned one/);
  assert.match(ran.stderr, /sha256 wanted b1a2562be56e/);
});
