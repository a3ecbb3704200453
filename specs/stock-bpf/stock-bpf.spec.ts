// SPDX-License-Identifier: MIT
// Promise: eBPF is untouched. Stock libbpf and bpftool load, run and refuse programs on a Rex kernel as on any other.
import { ebpfInstruction, ebpfObject, rexTest, type TestContext } from "rex-test";

const options = { permissions: { hostTools: true }, memoryMiB: 192 };
const pin = "/sys/fs/bpf/spec";

const returns42 = [ebpfInstruction(0xb7, 0, 0, 42), ebpfInstruction(0x95, 0, 0, 0)]; // r0 = 42; exit
const readsNull = [
  ebpfInstruction(0xb7, 1, 0, 0),
  ebpfInstruction(0x79, 0x10, 0, 0),
  ebpfInstruction(0x95, 0, 0, 0),
]; // r1 = 0; r0 = *r1; exit

async function bpftool(t: TestContext, ...args: readonly string[]): Promise<unknown> {
  const run = await t.guest.exec(["bpftool", "--json", ...args]);
  t.expect(run, `${run.stdout}${run.stderr}`).toMatchObject({ status: 0 });
  return run.stdout.trim() === "" ? undefined : JSON.parse(run.stdout);
}

rexTest("libbpf loads an eBPF program and the kernel runs it", options, async (t) => {
  await t.guest.writeFile("/tmp/answer.o", ebpfObject("socket", "answer", returns42));
  await t.guest.writeFile("/tmp/packet", Buffer.alloc(64));
  await bpftool(t, "prog", "load", "/tmp/answer.o", pin);
  t.expect(await bpftool(t, "prog", "show", "pinned", pin)).toMatchObject({
    type: "socket_filter",
    name: "answer",
  });
  t.expect(await bpftool(t, "prog", "run", "pinned", pin, "data_in", "/tmp/packet")).toMatchObject({
    retval: 42,
  });
  t.expect(await t.guest.exec(["rm", pin])).toMatchObject({ status: 0 });
});

rexTest("the verifier still refuses what it always refused", options, async (t) => {
  await t.guest.writeFile("/tmp/null.o", ebpfObject("socket", "null_deref", readsNull));
  const run = await t.guest.exec(["bpftool", "prog", "load", "/tmp/null.o", pin]);
  t.expect(run.status).not.toBe(0);
  t.expect(run.stderr).toMatch(/R1 invalid mem access/);
});

rexTest("bpftool creates, fills and reads a map", options, async (t) => {
  await bpftool(
    t,
    "map",
    "create",
    pin,
    "type",
    "array",
    "key",
    "4",
    "value",
    "8",
    "entries",
    "2",
    "name",
    "stock",
  );
  await bpftool(
    t,
    "map",
    "update",
    "pinned",
    pin,
    "key",
    "1",
    "0",
    "0",
    "0",
    "value",
    "42",
    "0",
    "0",
    "0",
    "0",
    "0",
    "0",
    "0",
  );
  const found = await bpftool(t, "map", "lookup", "pinned", pin, "key", "1", "0", "0", "0");
  t.expect(found).toMatchObject({ value: ["0x2a", "0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x00"] });
  t.expect(await t.guest.exec(["rm", pin])).toMatchObject({ status: 0 });
});
