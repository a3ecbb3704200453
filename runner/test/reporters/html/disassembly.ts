// SPDX-License-Identifier: MIT
// The machine code of a program around the places that its exit records name, by objdump or llvm-objdump, whichever is there.
import type { ExitRecord } from "../../../protocol/generated.ts";
import { interruption } from "../../../support/interruption.ts";
import { runProcess } from "../../../support/process.ts";
import type { DisassembledFunction, Instruction } from "./data.ts";

const tools = ["objdump", "llvm-objdump"];
const limitMs = 10_000;
const mostInstructions = 1_500;
/** Of a run in which everything fails the end should not be kept waiting. */
const mostTimeMs = 60_000;

export class Disassembler {
  #leftMs = mostTimeMs;

  /** The functions of the object that are in a trace; none when there is no tool to read them with, or no time left. */
  async read(file: string, exits: readonly ExitRecord[]): Promise<readonly DisassembledFunction[]> {
    const places = framePlaces(exits);
    if (places.size === 0 || this.#leftMs <= 0) return [];
    const startedAt = performance.now();
    try {
      for (const tool of tools) {
        const text = await outputOf(tool, file);
        if (text !== undefined) return parseDisassembly(text, places);
      }
      return [];
    } finally {
      this.#leftMs -= performance.now() - startedAt;
    }
  }
}

async function outputOf(tool: string, file: string): Promise<string | undefined> {
  const finished = await runProcess(tool, ["-d", "-l", "-C", "--no-show-raw-insn", file], {
    timeoutMs: limitMs,
    // Whoever interrupts the run has the report without it.
    signal: interruption,
    dieWithParent: true,
  }).catch(() => undefined);
  return finished?.ending.kind === "exited" && finished.ending.code === 0 ? finished.stdout : undefined;
}

/** Offsets by function, each with the number of its frame. */
type Places = ReadonlyMap<string, ReadonlyMap<number, number>>;

export function framePlaces(exits: readonly ExitRecord[]): Places {
  const places = new Map<string, Map<number, number>>();
  for (const { frames } of exits) {
    for (const [number, { symbol }] of frames.entries()) {
      const [, name, offset] = /^(\S.*?)\+0x([0-9a-f]+)\/0x[0-9a-f]+/.exec(symbol) ?? [];
      if (name === undefined || offset === undefined) continue;
      const ofFunction = places.get(name) ?? new Map<number, number>();
      places.set(name, ofFunction.set(Number.parseInt(offset, 16), number));
    }
  }
  return places;
}

/** Reads the output of either tool. */
export function parseDisassembly(text: string, places: Places): readonly DisassembledFunction[] {
  const functions: DisassembledFunction[] = [];
  let total = 0;
  for (const block of text.split(/\n(?=[0-9a-f]{8,} <)/)) {
    const [, start, name = ""] = /^([0-9a-f]{8,}) <(.+)>:$/m.exec(block) ?? [];
    const frames = places.get(name);
    if (start === undefined || frames === undefined || total >= mostInstructions) continue;
    const instructions = parseInstructions(block, Number.parseInt(start, 16), frames);
    total += instructions.length;
    functions.push({ name, instructions });
  }
  return functions;
}

function parseInstructions(
  block: string,
  start: number,
  frames: ReadonlyMap<number, number>,
): readonly Instruction[] {
  const found: { address: number; text: string; at: string | undefined }[] = [];
  let at: string | undefined;
  for (const line of block.split("\n")) {
    const [, address, code] = /^\s+([0-9a-f]+):\s+(\S.*)$/.exec(line) ?? [];
    if (address !== undefined && code !== undefined) {
      found.push({ address: Number.parseInt(address, 16), text: code.replaceAll("\t", " "), at });
      at = undefined;
    } else {
      at = /^(?:; )?(\S.*:\d+)(?: \(discriminator \d+\))?$/.exec(line)?.[1] ?? at;
    }
  }
  return found.map(({ address, text, at }, index) => {
    const next = (found[index + 1]?.address ?? Number.POSITIVE_INFINITY) - start;
    // Frames are return addresses: the call is the instruction before.
    const frame = [...frames].find(([offset]) => offset > address - start && offset <= next)?.[1];
    return { address: address.toString(16), text, at, frame };
  });
}

/** Lines of the program's own source at which a frame is. */
export function faultLines(functions: readonly DisassembledFunction[]): readonly number[] {
  const lines = new Set<number>();
  for (const { instructions } of functions) {
    let at: string | undefined;
    for (const instruction of instructions) {
      at = instruction.at ?? at;
      const line = /(?:^|\/)src\/main\.rs:(\d+)$/.exec(at ?? "")?.[1];
      if (instruction.frame !== undefined && line !== undefined) lines.add(Number(line));
    }
  }
  return [...lines];
}
