// SPDX-License-Identifier: MIT
// Hosts that lack something: room on the disk, the right to write, descriptors, a reader. A full disk is a tmpfs in a mount namespace of
// the test's own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { repository, runCli } from "./support/cli.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/images.ts";
import { ownCache } from "./support/own-cache.ts";
import { ownQemu } from "./support/own-qemu.ts";

const launcher = fileURLToPath(new URL("../rex-test.js", import.meta.url));
const tcg = ["--accel", "tcg"];

function tmpfs(path: string, size: string): string {
  return `mkdir -p '${path}'; mount -t tmpfs -o size=${size} tmpfs '${path}'`;
}

/** Says what is in the folder when the CLI has ended. */
function thenList(path: string): string {
  return `"$@" || code=$?; echo left: $(ls -A '${path}') >&2; exit \${code:-0}`;
}

/** A copy of a project, with artifacts of its own. */
async function copyOf(project: string): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await cp(join(repository, "fixtures/projects", project), folder.path, { recursive: true });
  await mkdir(join(folder.path, "node_modules"));
  await symlink(repository, join(folder.path, "node_modules/rex-test"));
  return folder;
}

test("no room for artifacts: outcomes are what they are, and the report says what was not kept", async () => {
  await using project = await copyOf("mixed");
  const { exitCode, stdout, stderr } = await runCli(["run", "mixed.spec.ts"], {
    cwd: project.path,
    before: tmpfs(join(project.path, "artifacts"), "4k"),
  });
  assert.equal(exitCode, 64, stdout + stderr);
  assert.match(stdout, /1 passed, 1 failed, 1 kernel crashed/);
  assert.match(stdout, /▌ .*sysrq triggered crash/);
  assert.match(stdout, /kept .*\n +not all of it: ENOSPC/);
  assert.match(stderr, /--last-failed will not know of this run: ENOSPC/);
});

test("no room for reports: told by name, nothing half-made is left, and exit code 0 becomes 2", async () => {
  await using folder = await temporaryFolder();
  const reports = join(folder.path, "reports");
  const flags = ["html=a.html", "junit=b.xml"].flatMap((one) => [
    "--reporter",
    one.replace("=", `=${reports}/`),
  ]);
  const { exitCode, stdout, stderr } = await runCli(
    ["run", "fixtures/projects/cloned", "--reporter", "pretty", ...flags],
    {
      before: `${tmpfs(reports, "4k")}\ncat /dev/zero > ${reports}/full || true\n${thenList(reports)}`,
    },
  );
  assert.equal(exitCode, 2, stdout + stderr);
  assert.match(stdout, /2 passed, 0 failed/);
  for (const name of ["html", "junit"])
    assert.match(
      stderr,
      new RegExp(`the ${name} reporter can't write its file \\(ENOSPC\\)\\n +where: ${reports}`),
    );
  assert.match(stderr, /^left: full$/m);
});

test("a standard output that is full is no good news either", async () => {
  const { exitCode, stderr } = await runCli(["run", "fixtures/projects/cloned"], {
    before: "exec >/dev/full",
  });
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /the report on the standard output is not whole: ENOSPC/);
});

test("a reader that goes away ends the run in good order", async () => {
  const cli = spawn(process.execPath, [launcher, "run", "fixtures/projects/endless", "--timeout", "100000"], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  cli.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  // As head -1 does.
  await once(cli.stdout, "data");
  cli.stdout.destroy();
  const [exitCode] = await once(cli, "close");
  assert.equal(exitCode, 141, errors);
  assert.doesNotMatch(errors, /EPIPE|at \S+\.ts/);
});

test("no room for snapshots: guests are booted, and the reader is told", async () => {
  await using cache = await ownCache();
  const { exitCode, stdout, stderr } = await runCli(["run", "fixtures/projects/cloned", ...tcg], {
    env: cache.env,
    before: tmpfs(join(cache.path, "snapshots"), "1m"),
  });
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stderr, /guests are booted, not cloned: a snapshot can take .*, and only .* are free/);
});

test("a disk that fills up while a snapshot is made: the same", async () => {
  await using folder = await temporaryFolder();
  await using cache = await ownCache();
  // What the kernel does when a page of a mapped file can't be had.
  const qemu = await ownQemu(folder.path, `case "$*" in *share=on*) kill -BUS $$;; esac`);
  const { exitCode, stdout, stderr } = await runCli(["run", "fixtures/projects/cloned", ...tcg], {
    env: { ...cache.env, ...qemu },
  });
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stderr, /guests are booted, not cloned: the disk was full/);
  assert.deepEqual(await readdir(join(cache.path, "snapshots")), []);
});

for (const [what, section] of [
  ["the guest's initramfs", "guests"],
  ["programs", "programs"],
] as const) {
  test(`no room for ${what}: infrastructure, exit 2, with the place and a way out`, async () => {
    await using cache = await ownCache();
    const { exitCode, stdout, stderr } = await runCli(["run", "fixtures/projects/broken-program", ...tcg], {
      env: cache.env,
      // In a namespace of its own: the real section, which the cache links to, is covered in it only.
      before: tmpfs(join(cache.path, section), "8k"),
    });
    assert.equal(exitCode, 2, stdout + stderr);
    assert.match(stderr, /ENOSPC|No space left on device/);
    assert.match(stderr, /where: [\s\S]*try: .*(?:cache clear|the cache)/);
    assert.doesNotMatch(stderr, /unexpected error|at \S+\.ts/);
  });
}

test("a cache that can only be read is enough for guests that are booted", async () => {
  await using cache = await ownCache();
  const readOnly = `mount --bind '${cache.path}' '${cache.path}'; mount -o remount,ro,bind '${cache.path}'`;
  const { exitCode, stdout, stderr } = await runCli(["run", "fixtures/projects/cloned", ...tcg], {
    env: cache.env,
    before: readOnly,
  });
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stderr, /guests are booted, not cloned: /);
});

// The first is too few for the threads of specs, the others for what comes later.
for (const limit of [24, 30, 36]) {
  test(`${limit} open files are too few: infrastructure, exit 2, with a way out`, async () => {
    const { exitCode, stdout, stderr } = await runCli(["run", "fixtures/projects/cloned", ...tcg], {
      before: `ulimit -n ${limit}`,
    });
    assert.equal(exitCode, 2, stdout + stderr);
    assert.match(stdout + stderr, /EMFILE/);
    assert.match(stdout + stderr, /try: +allow it more open files: ulimit -n 4096/);
    assert.doesNotMatch(stdout + stderr, /unexpected error|node:internal/);
  });
}

// As a user that the kernel counts; root it does not. With the fewest Node itself stands still for ever, or aborts.
for (const limit of [10, 12, 14]) {
  test(`${limit} threads are too few: told within 10 s, exit 2, with a way out`, async () => {
    const asUser = process.getuid?.() === 0 ? "setpriv --reuid=54321 --regid=54321 --clear-groups" : "";
    const before = `set -- prlimit --nproc=${limit} ${asUser} "$@"`;
    const { exitCode, stdout, stderr, durationMs } = await runCli(["run", "fixtures/projects/cloned"], {
      before,
      env: { REX_TEST_CACHE: "/tmp/rex-test-no-cache" },
    });
    assert.equal(exitCode, 2, stdout + stderr);
    assert.match(stderr, /try: +allow it more processes and threads: ulimit -u/);
    assert.doesNotMatch(stderr, /no tests|node:internal|at \S+\.ts/);
    assert.ok(durationMs < 10_000, `${durationMs} ms`);
  });
}
