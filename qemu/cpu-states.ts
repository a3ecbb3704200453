// SPDX-License-Identifier: MIT
// What the CPUs of a guest are doing, from outside: for a guest that does not say so itself. All of them stand still
// meanwhile, so that registers and stacks belong together.
import type { Qmp } from "./qmp.ts";

export interface CpuState {
  readonly index: number;
  readonly rip: bigint;
  /** Of the code that runs: 0 is the kernel's, 3 the user's. */
  readonly privilegeLevel: number;
  readonly interruptsEnabled: boolean;
  /** It waits for an interrupt. */
  readonly isHalted: boolean;
  /** The words above the stack pointer, the innermost first; none when the stack can't be read. */
  readonly stack: readonly bigint[];
  /** Where the first entry of the interrupt descriptor table leads; undefined when there is none. */
  readonly firstVector: bigint | undefined;
}

/** 2 KiB: some ten frames. */
const stackWords = 256;
const interruptFlag = 1n << 9n;

/** @throws RexTestError when QEMU does not answer, or is told to do something else. */
export async function readCpuStates(qmp: Qmp): Promise<CpuState[]> {
  const ask = async (line: string, cpu?: number) => {
    const index = cpu === undefined ? {} : { "cpu-index": cpu };
    return String(await qmp.execute("human-monitor-command", { "command-line": line, ...index }));
  };
  await qmp.execute("stop");
  try {
    const states: CpuState[] = [];
    for (const registers of parseRegisters(await ask("info registers -a"))) {
      const { index, rsp, idt, ...rest } = registers;
      const stack = words(await ask(`x/${stackWords}gx ${hex(rsp)}`, index));
      const gate = words(await ask(`x/2gx ${hex(idt)}`, index));
      states.push({ index, ...rest, stack, firstVector: targetOf(gate) });
    }
    return states;
  } finally {
    await qmp.execute("cont");
  }
}

/** Of all CPUs, as `info registers -a` prints them for a person. */
export function parseRegisters(text: string) {
  return text
    .split(/^CPU#/m)
    .slice(1)
    .flatMap((part) => {
      const registers = new Map([...part.matchAll(/\b(RIP|RSP|RFL|CPL|HLT) *= ?([0-9a-f]+)/g)].map(asPair));
      const index = /^\d+/.exec(part)?.[0];
      const idt = /^IDT= *([0-9a-f]+)/m.exec(part)?.[1];
      const [rip, rsp, flags] = [registers.get("RIP"), registers.get("RSP"), registers.get("RFL")];
      if (index === undefined || rip === undefined || rsp === undefined || flags === undefined) return [];
      return {
        index: Number(index),
        rip,
        rsp,
        privilegeLevel: Number(registers.get("CPL") ?? 0n),
        interruptsEnabled: (flags & interruptFlag) !== 0n,
        isHalted: registers.get("HLT") === 1n,
        idt: BigInt(`0x${idt ?? "0"}`),
      };
    });
}

function asPair([, name = "", value = ""]: RegExpExecArray): [string, bigint] {
  return [name, BigInt(`0x${value}`)];
}

/** What `x/…gx` prints, as far as it could be read. */
function words(text: string): bigint[] {
  return [...text.matchAll(/ 0x([0-9a-f]{16})\b/g)].map(([, word]) => BigInt(`0x${word}`));
}

/** A gate has the address it leads to in three pieces (Intel SDM, volume 3, figure "64-Bit IDT Gate Descriptors"). */
function targetOf([low, high]: readonly bigint[]): bigint | undefined {
  if (low === undefined || high === undefined || low === 0n) return undefined;
  return (low & 0xffffn) | ((low >> 32n) & 0xffff_0000n) | ((high & 0xffff_ffffn) << 32n);
}

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
