// SPDX-License-Identifier: MIT
// Runs functions as a processor would, as far as the stack is concerned: how deep it really gets. Branches go where chance says.
import type { Draw } from "../model/generate/draw.ts";
import type { Code, Instruction, Register } from "./machine-code.ts";

export interface Walked {
  /** Bytes below the return address of the first function, at most. */
  readonly deepest: number;
  /** The walk came to a return that does not lead back to the caller, or does so without its rsp or rbp. */
  readonly strayed: Strayed | undefined;
}

export interface Strayed {
  readonly function: number;
  readonly why: "goes elsewhere" | "loses rbp";
}

export function strayTitle({ why }: Strayed): string {
  return why === "goes elsewhere"
    ? "a function that returns elsewhere is accepted"
    : "a function that loses its caller's rbp is accepted";
}

const stepsAtMost = 3_000;
const callsAtMost = 64;
const wordBytes = 8;
/** What no address and no depth is. */
const garbage = Number.NEGATIVE_INFINITY;

interface Call {
  readonly function: number;
  readonly rsp: number;
  readonly rbp: number;
  /** Where to go on in the caller. */
  readonly back: Place | undefined;
}

interface Place {
  readonly function: number;
  readonly index: number;
}

/** Walks from the function with index 0. `base` is where its return address is, a multiple of 8. */
export function walk(functions: readonly Code[], base: number, draw: Draw): Walked {
  return new Walker(functions, base, draw).run();
}

class Walker {
  readonly #functions: readonly Code[];
  readonly #base: number;
  readonly #draw: Draw;
  readonly #memory = new Map<number, number | Place>();
  readonly #registers: Record<Register, number> = { rax: garbage, rbp: garbage, rsp: 0 };
  readonly #calls: Call[] = [];
  #at: Place | undefined = { function: 0, index: 0 };
  #lowest: number;
  #strayed: Strayed | undefined;

  constructor(functions: readonly Code[], base: number, draw: Draw) {
    this.#functions = functions;
    this.#base = base;
    this.#draw = draw;
    this.#registers.rsp = base;
    // Some number that the caller had in it.
    this.#registers.rbp = base + 4_096;
    this.#lowest = base;
    this.#calls.push({ function: 0, rsp: base, rbp: this.#registers.rbp, back: undefined });
  }

  run(): Walked {
    for (
      let steps = 0;
      steps < stepsAtMost && this.#at !== undefined && this.#strayed === undefined;
      steps += 1
    ) {
      const instruction: Instruction | undefined = this.#functions[this.#at.function]?.[this.#at.index];
      if (instruction === undefined) break;
      this.#at = this.#step(instruction, this.#at);
      const { rsp } = this.#registers;
      if (rsp === garbage) break;
      this.#lowest = Math.min(this.#lowest, rsp);
    }
    return { deepest: this.#base - this.#lowest, strayed: this.#strayed };
  }

  /** Where to go on. */
  #step(instruction: Instruction, here: Place): Place | undefined {
    const next = { function: here.function, index: here.index + 1 };
    const registers = this.#registers;
    switch (instruction.kind) {
      case "push":
        this.#push(instruction.what);
        return next;
      case "pop":
        this.#pop(instruction.what);
        return next;
      case "sub":
        registers.rsp -= instruction.bytes;
        return next;
      case "add":
        registers.rsp += instruction.bytes;
        return next;
      case "align":
        registers.rsp = Math.floor(registers.rsp / instruction.to) * instruction.to;
        return next;
      case "lea":
        registers[instruction.to] = registers[instruction.from] + instruction.offset;
        return next;
      case "mov":
        registers[instruction.to] = registers[instruction.from];
        return next;
      case "exchange":
        [registers.rax, registers.rbp] = [registers.rbp, registers.rax];
        return next;
      case "leave":
        registers.rsp = registers.rbp;
        this.#pop("rbp");
        return next;
      case "mayMove":
        if (this.#draw.percent(50)) registers.rbp = registers.rax;
        return next;
      case "store":
        return this.#store(registers.rsp + instruction.offset) ? next : undefined;
      case "branch":
        return this.#draw.percent(50) ? { function: here.function, index: instruction.to } : next;
      case "jump":
        return { function: here.function, index: instruction.to };
      case "call":
        return this.#call(instruction.to, next);
      case "tail":
        return this.#tail(instruction.to);
      case "check":
        // It comes back, and has used a word for that.
        this.#lowest = Math.min(this.#lowest, registers.rsp - wordBytes);
        return next;
      case "return":
        return this.#return(here);
      case "trap":
        return undefined;
      case "nop":
        return next;
    }
  }

  #push(what: Register | "word" | "number" | "argument"): void {
    const { rsp } = this.#registers;
    const value =
      what === "argument"
        ? (this.#memory.get(rsp) ?? garbage)
        : what in this.#registers
          ? this.#registers[what as Register]
          : garbage;
    this.#registers.rsp = rsp - (what === "word" ? 2 : wordBytes);
    this.#memory.set(this.#registers.rsp, value);
  }

  #pop(what: Register | "word"): void {
    const { rsp } = this.#registers;
    const value = this.#memory.get(rsp);
    this.#registers.rsp = rsp + (what === "word" ? 2 : wordBytes);
    if (what !== "word") this.#registers[what] = typeof value === "number" ? value : garbage;
  }

  /** False over an address that is kept there: which memory code writes to is the compiler's affair, not the verifier's. */
  #store(address: number): boolean {
    const old = this.#memory.get(address);
    if (address >= this.#base || (old !== undefined && old !== garbage)) return false;
    this.#memory.set(address, this.#registers.rax);
    return true;
  }

  #call(to: number, back: Place): Place | undefined {
    if (this.#calls.length >= callsAtMost) return undefined;
    this.#registers.rsp -= wordBytes;
    const { rsp, rbp } = this.#registers;
    this.#memory.set(rsp, back);
    this.#calls.push({ function: to, rsp, rbp, back });
    return { function: to, index: 0 };
  }

  /** A jump to another function: it returns to whoever called this one. */
  #tail(to: number): Place | undefined {
    const call = this.#calls.at(-1);
    if (call === undefined) return undefined;
    this.#calls[this.#calls.length - 1] = { ...call, function: to };
    return { function: to, index: 0 };
  }

  #return(here: Place): Place | undefined {
    const call = this.#calls.pop();
    const { rsp, rbp } = this.#registers;
    const found = this.#memory.get(rsp);
    const isBack =
      call !== undefined &&
      rsp === call.rsp &&
      (call.back === undefined ? found === undefined : found === call.back);
    if (!isBack) this.#strayed = { function: here.function, why: "goes elsewhere" };
    else if (rbp !== call.rbp) this.#strayed = { function: here.function, why: "loses rbp" };
    this.#registers.rsp += wordBytes;
    return call?.back;
  }
}
