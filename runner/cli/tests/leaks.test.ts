// SPDX-License-Identifier: MIT
// The resource sanitizer: tests that leave something behind fail, and the report names it and where it came from.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runProject } from "./support/cli.ts";

test("what a test leaves behind fails it by its name", async () => {
  const { exitCode, stdout } = await runProject("leaking");
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /1 passed, 6 failed/);
  assert.match(stdout, /^✓ \S+ > nothing/m);
  for (const words of [
    /left behind in the kernel: program \d+ "probe" of type kprobe/,
    /left behind in the kernel: map \d+ "SEEN" of type hash/,
    /left behind in the kernel: pin \/sys\/fs\/bpf\/forgotten/,
    /left behind in the kernel: 1 vmalloc areas of rex_image_alloc \(\d+ bytes\)/,
    /left behind in the kernel: kprobe at __x64_sys_dup\+0x0/,
    /left behind in the kernel: probe event p:kprobes\/mine __x64_sys_dup/,
    /left behind in the kernel: network device forgotten0/,
    /CPU 1 was left offline/,
    /the agent still has a file descriptor open: \/sys\/kernel\/debug\/provoke-crash\/DIRECT/,
    /CPU \d does not get to run threads/,
    /programs returned with 1 cleanup slots still taken/,
  ])
    assert.match(stdout, words);
  assert.doesNotMatch(stdout, /acquired by/);
});

test("--trace-leaks says where in the spec it was acquired", async () => {
  const { exitCode, stdout } = await runProject("leaking", "--trace-leaks", "--filter", "a pin, and");
  assert.equal(exitCode, 1, stdout);
  assert.match(
    stdout,
    /pin \/sys\/fs\/bpf\/forgotten\n +acquired by pin\n +at pinProbe \(\S+leaking\.spec\.ts:19:\d+\)\n +at (?:\S+ \()?\S+leaking\.spec\.ts:23:\d+/,
  );
  assert.match(
    stdout,
    /program \d+ "probe" of type kprobe\n +acquired by load\n +at pinProbe \(\S+:18:\d+\)/,
  );
});
