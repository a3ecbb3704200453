// SPDX-License-Identifier: MIT
// Promise: the message of a panic is data. However long or odd it is, it ends up in the record, cut where it must be.
import { type Program, rex, rexTest, type TestContext } from "rex-test";
import { alter } from "../faults/altered.ts";

rexTest("a panic message longer than its buffer is cut, not overrun", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "verbose" })`
    fn verbose(_: &kprobe, ctx: &mut PtRegs) -> Result {
      panic!("{:0>2000}", ctx.rdi() & 1)
    }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", message: /^0+$/ });
  const [exit] = run.exits;
  t.expect(exit?.message?.length).toBeGreaterThan(400);
  t.expect(exit?.message?.length).toBeLessThan(512);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("line breaks and non-ASCII text in a panic message come through", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "odd" })`
    fn odd(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("first\nsecond: {} \\ end", core::hint::black_box("grüße"))
    }
  `);
  await using _link = await program.attach();
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({ message: "first\nsecond: grüße \\ end" });
});

const quad = (value: bigint): number[] => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return [...bytes];
};
const long = (value: number): number[] => quad(BigInt(value)).slice(0, 4);

/** Calls rex_panic_begin(), then rex_panic_end(text, length, text, fileBytes, 7, 9), with the text behind the code. */
function panicWith(begin: bigint, end: bigint, text: Uint8Array, fileBytes: number): number[] {
  const call = (address: bigint) => [0x48, 0xb8, ...quad(address), 0xff, 0xd0];
  const enter = [0x55, 0x48, 0x89, 0xe5, ...call(begin)];
  const lengths = [
    ...[0x48, 0xc7, 0xc6, ...long(text.length)],
    ...[0x48, 0xc7, 0xc1, ...long(fileBytes)],
    ...[0x41, 0xb8, ...long(7), 0x41, 0xb9, ...long(9)],
  ];
  const leave = [...lengths, ...call(end), 0x0f, 0x0b];
  // lea text(%rip), %rdi; lea text(%rip), %rdx: 7 bytes each, counted from their ends.
  const pointers = [
    ...[0x48, 0x8d, 0x3d, ...long(7 + leave.length)],
    ...[0x48, 0x8d, 0x15, ...long(leave.length)],
  ];
  return [...enter, ...pointers, ...leave, ...text];
}

/** A program that does without the rex crate's panic handler, and tells the kernel what it likes. */
async function panicsWith(t: TestContext, text: Uint8Array, fileBytes = 4): Promise<Program> {
  const [begin, end] = await t.guest.kallsyms(["rex_panic_begin", "rex_panic_end"]);
  t.expect([begin?.name, end?.name]).toEqual(["rex_panic_begin", "rex_panic_end"]);
  const { object } = await t.compile("oob-index");
  const code = panicWith(BigInt(begin?.address ?? 0), BigInt(end?.address ?? 0), text, fileBytes);
  return await t.load(rex.object("hostile", alter(object, code)));
}

const dup = { kind: "kprobe", symbol: "__x64_sys_dup" } as const;
const recordBytes = 511;

for (const { character, places } of [
  { character: "é", places: [1] },
  { character: "€", places: [1, 2] },
  { character: "🦀", places: [1, 2, 3] },
]) {
  rexTest(`the kernel itself does not cut inside of ${character}`, async (t) => {
    for (const inside of places) {
      const kept = "a".repeat(recordBytes - inside);
      const text = Buffer.from(`${kept}${character}${"b".repeat(40)}`);
      const program = await panicsWith(t, text, text.length);
      const link = await program.attach({ target: dup });
      const run = await t.guest.syscall("dup", 999);
      await link.detach();
      t.expect(run).toExitGracefully({ reason: "panic", message: kept, at: `${kept}:7:9` });
    }
    // One that fits is left whole.
    const whole = `${"a".repeat(recordBytes - Buffer.byteLength(character))}${character}`;
    const program = await panicsWith(t, Buffer.from(whole));
    await using _link = await program.attach({ target: dup });
    t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({ message: whole });
    await t.expect(t.guest).toBeHealthy();
  });
}

rexTest("bytes that are no UTF-8, control characters and NULs come through as far as they can", async (t) => {
  const bytes = [
    0xff, 0x41, 0x00, 0x42, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x07, 0xc3, 0x43, 0x80, 0x0a, 0x0d, 0x5c,
  ];
  const program = await panicsWith(t, Buffer.from(bytes));
  await using _link = await program.attach({ target: dup });
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({
    reason: "panic",
    message: "\ufffdA\0B\u001b[31m\u0007\ufffdC\ufffd\n\r\\",
    at: "\ufffdA\0B:7:9",
  });
  const line = (await t.guest.log())
    .map(({ text }) => text)
    .find((text) => text.includes("of hostile ended"));
  // As the kernel has escaped it: plain ASCII, in one line.
  t.expect(line).toContain(String.raw`panic: \377A\000B\e[31m\a\303C\200\n\r\\, \377A\000B:7:9`);
  await t.expect(t.guest).toBeHealthy();
});

rexTest("continuation bytes without end are cut at the end of the room", async (t) => {
  const program = await panicsWith(t, Buffer.alloc(700, 0x80));
  await using _link = await program.attach({ target: dup });
  const run = await t.guest.syscall("dup", 999);
  t.expect(run).toExitGracefully({ reason: "panic", message: /^\ufffd+$/ });
  t.expect(run.exits[0]?.message).toHaveLength(recordBytes);
});

rexTest("a formatted message is cut between two characters", async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "crabs" })`
    struct Crabs(u32);
    impl core::fmt::Display for Crabs {
      fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for _ in 0..self.0 { f.write_str("🦀")?; }
        Ok(())
      }
    }

    fn crabs(_: &kprobe, ctx: &mut PtRegs) -> Result {
      panic!("{}{}", ctx.rdi() & 1, Crabs(200))
    }
  `);
  await using _link = await program.attach();
  // 1 + 127 * 4 = 509 bytes; one more would not fit.
  t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({ message: /^[01](🦀){127}$/u });
});
