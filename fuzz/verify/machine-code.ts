// SPDX-License-Identifier: MIT
// Functions in the few instructions that change the stack, and their bytes. Each instruction has one encoding, so that its size is known
// before it is known where anything is.

export type Register = "rax" | "rbp" | "rsp";

export type Instruction =
  | { readonly kind: "push"; readonly what: Register | "word" | "number" | "argument" }
  | { readonly kind: "pop"; readonly what: Register | "word" }
  | { readonly kind: "sub" | "add"; readonly bytes: number }
  /** `and rsp, -to` */
  | { readonly kind: "align"; readonly to: number }
  | {
      readonly kind: "lea";
      readonly to: "rsp" | "rbp";
      readonly from: "rsp" | "rbp";
      readonly offset: number;
    }
  | { readonly kind: "mov"; readonly to: Register; readonly from: Register }
  | { readonly kind: "exchange" }
  | { readonly kind: "leave" }
  /** `cmovne rbp, rax` */
  | { readonly kind: "mayMove" }
  /** `mov [rsp + offset], rax` */
  | { readonly kind: "store"; readonly offset: number }
  /** To the instruction with this index, or on. */
  | { readonly kind: "branch"; readonly to: number }
  | { readonly kind: "jump"; readonly to: number }
  /** To the function with this index. */
  | { readonly kind: "call" | "tail"; readonly to: number }
  /** Calls the check of the stack. */
  | { readonly kind: "check" }
  | { readonly kind: "return" }
  | { readonly kind: "trap" }
  | { readonly kind: "nop" };

export type Code = readonly Instruction[];

/** Where code goes, by address in the image. */
export interface Layout {
  readonly functions: readonly number[];
  readonly check: number;
}

const numberOf: Readonly<Record<Register, number>> = { rax: 0, rsp: 4, rbp: 5 };
const int3 = 0xcc;

/** The bytes of a function that begins at `address`. */
export function assemble(code: Code, address: number, layout: Layout): Buffer {
  const offsets: number[] = [];
  let at = 0;
  for (const instruction of code) {
    offsets.push(at);
    at += encode(instruction, 0, () => 0).length;
  }
  const end = at;
  const parts = code.map((instruction, index) => {
    const here = address + (offsets[index] ?? 0);
    return Buffer.from(
      encode(instruction, here, (target) =>
        target.kind === "function"
          ? (layout.functions[target.index] ?? layout.check)
          : target.kind === "check"
            ? layout.check
            : address + (offsets[target.index] ?? end),
      ),
    );
  });
  return Buffer.concat(parts);
}

/** The same, filled up with traps. */
export function assembleInto(room: number, code: Code, address: number, layout: Layout): Buffer | undefined {
  const bytes = assemble(code, address, layout);
  return bytes.length > room ? undefined : Buffer.concat([bytes, Buffer.alloc(room - bytes.length, int3)]);
}

type Target =
  | { readonly kind: "function" | "instruction"; readonly index: number }
  | { readonly kind: "check" };

function encode(instruction: Instruction, here: number, resolve: (target: Target) => number): number[] {
  const relative = (opcode: readonly number[], target: Target) => {
    const size = opcode.length + 4;
    return [...opcode, ...int32(resolve(target) - (here + size))];
  };
  switch (instruction.kind) {
    case "push":
      return encodePush(instruction.what);
    case "pop":
      return instruction.what === "word" ? [0x66, 0x58] : [0x58 + numberOf[instruction.what]];
    case "sub":
      return [0x48, 0x81, 0xec, ...int32(instruction.bytes)];
    case "add":
      return [0x48, 0x81, 0xc4, ...int32(instruction.bytes)];
    case "align":
      return [0x48, 0x81, 0xe4, ...int32(-instruction.to)];
    case "lea": {
      const base =
        instruction.from === "rsp"
          ? [0x84 | (numberOf[instruction.to] << 3), 0x24]
          : [0x85 | (numberOf[instruction.to] << 3)];
      return [0x48, 0x8d, ...base, ...int32(instruction.offset)];
    }
    case "mov":
      return [0x48, 0x89, 0xc0 | (numberOf[instruction.from] << 3) | numberOf[instruction.to]];
    case "exchange":
      return [0x48, 0x95];
    case "leave":
      return [0xc9];
    case "mayMove":
      return [0x48, 0x0f, 0x45, 0xe8];
    case "store":
      return [0x48, 0x89, 0x84, 0x24, ...int32(instruction.offset)];
    case "branch":
      return relative([0x0f, 0x85], { kind: "instruction", index: instruction.to });
    case "jump":
      return relative([0xe9], { kind: "instruction", index: instruction.to });
    case "call":
      return relative([0xe8], { kind: "function", index: instruction.to });
    case "tail":
      return relative([0xe9], { kind: "function", index: instruction.to });
    case "check":
      return relative([0xe8], { kind: "check" });
    case "return":
      return [0xc3];
    case "trap":
      return [0x0f, 0x0b];
    case "nop":
      return [0x90];
  }
}

function encodePush(what: Register | "word" | "number" | "argument"): number[] {
  switch (what) {
    case "word":
      return [0x66, 0x50];
    case "number":
      return [0x68, ...int32(0x1234_5678)];
    case "argument":
      return [0xff, 0x34, 0x24];
    default:
      return [0x50 + numberOf[what]];
  }
}

function int32(value: number): number[] {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value | 0);
  return [...buffer];
}
