// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { exitRecord } from "../testing/recorded-run.ts";
import { faultLines, framePlaces, parseDisassembly } from "./disassembly.ts";

const gnu = `
hello.debug:     file format elf64-x86-64


Disassembly of section .text:

0000000000001000 <mcount>:
mcount():
    1000:	test   $0x4000,%esp

0000000000001010 <program::prog>:
program::prog():
./src/main.rs:2
    1010:	push   %rbp
    1011:	mov    %rsp,%rbp
./src/main.rs:4 (discriminator 3)
    104a:	call   1664 <core::panicking::panic_bounds_check>
    104f:	int3
`;

const llvm = `
hello.debug:	file format elf64-x86-64

Disassembly of section .text:

0000000000001010 <program::prog>:
; program::prog():
; ./src/main.rs:2
    1010:      	pushq	%rbp
; ./src/main.rs:4
    104a:      	callq	0x1664 <core::panicking::panic_bounds_check>
    104f:      	int3
`;

describe("machine code", () => {
  it.each([
    ["objdump", gnu, "call   1664 <core::panicking::panic_bounds_check>"],
    ["llvm-objdump", llvm, "callq 0x1664 <core::panicking::panic_bounds_check>"],
  ])("of %s: the functions of the trace, with the call that each frame is in", (_, text, call) => {
    const functions = parseDisassembly(text, framePlaces([exitRecord]));
    expect(functions.map(({ name }) => name)).toEqual(["program::prog"]);
    const framed = functions[0]?.instructions.find(({ frame }) => frame !== undefined);
    expect(framed).toEqual({ address: "104a", text: call, at: "./src/main.rs:4", frame: 0 });
    expect(faultLines(functions)).toEqual([4]);
  });

  it("is none where the trace names nothing of it", () => {
    const elsewhere = { ...exitRecord, frames: [{ address: "1", symbol: "0xffffffffa00060e3" }] };
    expect(parseDisassembly(gnu, framePlaces([elsewhere]))).toEqual([]);
  });
});
