// SPDX-License-Identifier: MIT
// For the console log of a guest that hangs: where its CPUs are, as the kernel would say it.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type CpuState, readCpuStates } from "../../../qemu/cpu-states.ts";
import type { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import { messageOf } from "../../support/errors.ts";
import { SymbolTable } from "../symbolise/symbol-table.ts";

/** The handler of the first vector: tells how far the kernel has been moved. */
const firstHandler = "asm_exc_divide_error";
const framesAtMost = 24;
/** Modules, and Rex programs. */
const [modulesStart, modulesEnd] = [0xffff_ffff_a000_0000n, 0xffff_ffff_ff00_0000n];

/** Lines that begin by saying what they are; also when nothing can be said. */
export async function whereCpusAre(vm: VirtualMachine): Promise<string[]> {
  try {
    const states = await readCpuStates(vm.qmp);
    const map = await readFile(join(dirname(vm.machine.kernel), "System.map"), "utf8").catch(() => "");
    return [
      "[rex-test] the guest hangs; where its CPUs are:",
      ...describeCpus(states, SymbolTable.parse(map)),
    ];
  } catch (error) {
    return [`[rex-test] the guest hangs; QEMU does not tell where its CPUs are: ${messageOf(error)}`];
  }
}

export function describeCpus(states: readonly CpuState[], symbols: SymbolTable): string[] {
  return states.flatMap((state) => {
    const { index, rip, stack, firstVector, interruptsEnabled, isHalted, privilegeLevel } = state;
    const what = `CPU ${index}: ${isHalted ? "halted, " : ""}interrupts ${interruptsEnabled ? "on" : "off"}`;
    if (privilegeLevel === 3) return [`${what}, in user space at 0x${rip.toString(16)}`];
    const start = symbols.addressOf(firstHandler);
    const moved = firstVector === undefined || start === undefined ? undefined : firstVector - start;
    const nameOf = (address: bigint) => (moved === undefined ? undefined : symbols.nameAt(address - moved));
    const frames = stack
      .map((word) => nameOf(word) ?? (isOfModule(word, moved) ? asHex(word) : undefined))
      .filter((name) => name !== undefined);
    return [
      what,
      ` RIP: 0010:${nameOf(rip) ?? asHex(rip)}`,
      ...frames.slice(0, framesAtMost).map((name) => `  ? ${name}`),
    ];
  });
}

/** Where it is not known where the kernel is, its own addresses look like those of modules. */
function isOfModule(address: bigint, moved: bigint | undefined): boolean {
  return moved !== undefined && address >= modulesStart && address < modulesEnd;
}

function asHex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
