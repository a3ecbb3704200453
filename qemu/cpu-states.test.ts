// SPDX-License-Identifier: MIT
import { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { readCpuStates } from "./cpu-states.ts";
import { Qmp } from "./qmp.ts";

/** As QEMU 7.2 prints them, without the registers that nobody looks at. */
const registers = `
CPU#0
RAX=0000000000000000 RBX=ffffffff82010a40 RCX=0000000000000001 RDX=0000000000000000
RSI=0000000000000083 RDI=0000000000000000 RBP=ffffffff82003e48 RSP=ffffffff82003e40
R8 =0000000000000000 R9 =0000000000000000 R10=0000000000000000 R11=0000000000000000
RIP=ffffffff8160ab8b RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
ES =0000 0000000000000000 ffffffff 00c00100
GDT=     fffffe0000001000 0000007f
IDT=     fffffe0000000000 00000fff
CR0=80050033 CR2=00007f1c8a9d1000 CR3=0000000002a10000 CR4=000006b0
CPU#1
RSI=0000000000000083 RDI=0000000000000000 RBP=0000000000000000 RSP=00007ffd00001000
RIP=0000000000401000 RFL=00000002 [-------] CPL=3 II=0 A20=1 SMM=0 HLT=0
IDT=     fffffe0000000000 00000fff
`;

/** A QEMU that answers by what it is asked, and what it was asked. */
function qemu(answerTo: (command: string, args: Record<string, unknown>) => object) {
  const asked: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().trim().split("\n")) {
        const { execute, arguments: args, id } = JSON.parse(line);
        asked.push(args["command-line"] ?? execute);
        socket.push(`${JSON.stringify({ ...answerTo(execute, args), id })}\n`);
      }
      done();
    },
  });
  return { qmp: new Qmp(socket, () => undefined), asked };
}

it("reads registers, stacks and the first vector while the guest stands still", async () => {
  const { qmp, asked } = qemu((_, args) => {
    const line = String(args["command-line"] ?? "");
    if (line.startsWith("info")) return { return: registers };
    if (line.startsWith("x/2gx"))
      return { return: "fffffe0000000000: 0x81608e0000100850 0x00000000ffffffff\r\n" };
    if (args["cpu-index"] === 0)
      return {
        return:
          "ffffffff82003e40: 0xffffffff81608c3e 0x0000000000000000\r\nffffffff82003e50: 0x0123456789abcdef",
      };
    return { return: "Cannot access memory\r\n" };
  });
  const [first, second] = await readCpuStates(qmp);
  expect(first).toEqual({
    index: 0,
    rip: 0xffff_ffff_8160_ab8bn,
    privilegeLevel: 0,
    interruptsEnabled: true,
    isHalted: true,
    stack: [0xffff_ffff_8160_8c3en, 0n, 0x0123_4567_89ab_cdefn],
    firstVector: 0xffff_ffff_8160_0850n,
  });
  expect(second).toMatchObject({ index: 1, privilegeLevel: 3, interruptsEnabled: false, stack: [] });
  expect(asked.filter((what) => !what.startsWith("x/"))).toEqual([
    "qmp_capabilities",
    "stop",
    "info registers -a",
    "cont",
  ]);
});

it("has the guest go on when QEMU refuses", async () => {
  const { qmp, asked } = qemu((command) =>
    command === "human-monitor-command" ? { error: { desc: "not now" } } : { return: {} },
  );
  await expect(readCpuStates(qmp)).rejects.toThrow("not now");
  expect(asked.at(-1)).toBe("cont");
});
