// SPDX-License-Identifier: MIT
// Promise: the kernel's loader believes nothing. What is not a Rex object is refused with an errno and a sentence, and nothing
// of it stays in the kernel (the resource sanitizer looks).
import { rex, rexTest } from "rex-test";

const victim = rex.kprobe({ function: "__x64_sys_dup", name: "victim" })`
  fn victim(_: &kprobe, _ctx: &mut PtRegs) -> Result { Ok(0) }
`;

rexTest("garbage is refused with a sentence", async (t) => {
  await t.step("nothing at all", async (t) => {
    await t.expect(t.load(rex.object("empty", new Uint8Array()))).toBeRejectedByLoader();
  });
  await t.step("text", async (t) => {
    const text = new TextEncoder().encode(
      "this is not an object file, and it is long enough to have a header".repeat(4),
    );
    await t.expect(t.load(rex.object("text", text))).toBeRejectedByLoader(/ELF/);
  });
  await t.step("zeroes", async (t) => {
    await t.expect(t.load(rex.object("zeroes", new Uint8Array(8192)))).toBeRejectedByLoader(/ELF/);
  });
  await t.expect(t.guest).toBeHealthy();
});

rexTest("an object that was cut short is refused wherever the cut is", async (t) => {
  const { object } = await t.compile(victim);
  for (const length of [63, 64, 200, 1024, object.length >> 1, object.length - 1]) {
    await t
      .expect(t.load(rex.object("cut", object.subarray(0, length))), `cut to ${length} bytes`)
      .toBeRejectedByLoader();
  }
  await t.expect(t.guest).toBeHealthy();
});

rexTest("the object itself, untouched, loads", async (t) => {
  const { object } = await t.compile(victim);
  const program = await t.load(rex.object("victim", object));
  t.expect(program.programs).toMatchObject([{ name: "victim", type: "kprobe" }]);
});
