// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { CpuState } from "../../../qemu/cpu-states.ts";
import { SymbolTable } from "../symbolise/symbol-table.ts";
import { describeCpus } from "./where-cpus-are.ts";

const symbols = SymbolTable.parse(
  [
    "ffffffff81000000 T _stext",
    "ffffffff81000100 t spin",
    "ffffffff81000200 T asm_exc_divide_error",
    "ffffffff81000300 T _etext",
  ].join("\n"),
);
const program = 0xffff_ffff_c000_1022n;

function cpu(changes: Partial<CpuState> = {}): CpuState {
  return {
    index: 0,
    rip: 0xffff_ffff_8100_0110n,
    privilegeLevel: 0,
    interruptsEnabled: false,
    isHalted: false,
    stack: [7n, 0xffff_ffff_8100_0008n, program],
    firstVector: 0xffff_ffff_8100_0200n,
    ...changes,
  };
}

it("says where a CPU is, and what may have called that", () => {
  expect(describeCpus([cpu()], symbols)).toEqual([
    "CPU 0: interrupts off",
    " RIP: 0010:spin+0x10/0x100",
    "  ? _stext+0x8/0x100",
    "  ? 0xffffffffc0001022",
  ]);
  expect(
    describeCpus(
      [cpu({ index: 1, rip: program, isHalted: true, interruptsEnabled: true, stack: [] })],
      symbols,
    ),
  ).toEqual(["CPU 1: halted, interrupts on", " RIP: 0010:0xffffffffc0001022"]);
  expect(describeCpus([cpu({ privilegeLevel: 3, rip: 0x401000n })], symbols)).toEqual([
    "CPU 0: interrupts off, in user space at 0x401000",
  ]);
});

it("finds a kernel that has moved", () => {
  const moved = 0x1e0_0000n;
  const states = [
    cpu({ rip: 0xffff_ffff_8100_0110n + moved, stack: [], firstVector: 0xffff_ffff_8100_0200n + moved }),
  ];
  expect(describeCpus(states, symbols)[1]).toBe(" RIP: 0010:spin+0x10/0x100");
});

it("gives addresses when it can't know names", () => {
  const bare = ["CPU 0: interrupts off", " RIP: 0010:0xffffffff81000110"];
  expect(describeCpus([cpu()], SymbolTable.parse(""))).toEqual(bare);
  expect(describeCpus([cpu({ firstVector: undefined })], symbols)).toEqual(bare);
});
