// SPDX-License-Identifier: MIT
// Safe Rust doesn't trap. A compiler that is wrong may, so these specs play one: they overwrite the first instructions of a program
// that was compiled as it should be.
import { ElfEditor } from "../loader/elf.ts";

/** Eight bytes, little endian. */
function quad(value: bigint): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return [...bytes];
}

/** Canonical, in the kernel's half, and never mapped: the hole that is kept for hypervisors. */
const unmapped = 0xffff_8000_0000_0000n;
const notCanonical = 0x8000_0000_0000_0000n;

/** Instructions, as the processor takes them; none of them comes back. */
export const instructions = {
  ud2: [0x0f, 0x0b],
  int3: [0xcc],
  /** xor eax, eax; mov rax, [rax] */
  loadFromNull: [0x31, 0xc0, 0x48, 0x8b, 0x00],
  /** movabs rax, …; mov rax, [rax] */
  loadFromHole: [0x48, 0xb8, ...quad(unmapped), 0x48, 0x8b, 0x00],
  loadNotCanonical: [0x48, 0xb8, ...quad(notCanonical), 0x48, 0x8b, 0x00],
  /** movabs rbp, …; mov rax, [rbp] */
  loadNotCanonicalByRbp: [0x48, 0xbd, ...quad(notCanonical), 0x48, 0x8b, 0x45, 0x00],
  /** lea rax, [rip]; mov [rax], rax */
  storeToText: [0x48, 0x8d, 0x05, 0, 0, 0, 0, 0x48, 0x89, 0x00],
  /** xor eax, eax; xor edx, edx; xor ecx, ecx; div rcx */
  divideByZero: [0x31, 0xc0, 0x31, 0xd2, 0x31, 0xc9, 0x48, 0xf7, 0xf1],
  /** 1: push rax; jmp 1b */
  pushForever: [0x50, 0xeb, 0xfd],
  /** 1: call 1b */
  callForever: [0xe8, 0xfb, 0xff, 0xff, 0xff],
  /** std; 1: push rax; jmp 1b: backwards, as a copy of memory may be interrupted */
  pushForeverBackwards: [0xfd, 0x50, 0xeb, 0xfd],
  /** sub rsp, 0x8000; push rax: past the last page of the stack in one step */
  hugeFrame: [0x48, 0x81, 0xec, 0x00, 0x80, 0x00, 0x00, 0x50],
  /** mov rax, [rsp - 0x8000]: reads the guard page from a stack that has room */
  readGuardPage: [0x48, 0x8b, 0x84, 0x24, 0x00, 0x80, 0xff, 0xff],
} as const;

/** The object, its first program beginning with these instructions. */
export function alter(object: Uint8Array, bytes: readonly number[]): Uint8Array {
  const elf = new ElfEditor(object);
  return elf.write(elf.entry(), bytes).bytes;
}
