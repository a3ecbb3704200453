// SPDX-License-Identifier: MIT
// Puts file and line behind each place in kernel messages, with what was inlined there, as scripts/decode_stacktrace.sh of the
// kernel does: for the kernel itself and for Rex programs.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../support/cache.ts";
import { mustRun } from "../../support/process.ts";
import { type Frame, frameOf } from "./frames.ts";
import { findLines, type SourcePlace } from "./line-finder.ts";
import { SymbolTable } from "./symbol-table.ts";

export interface ProgramFiles {
  /** The object as it was loaded: its symbols have the names that traces show. */
  readonly object: string;
  /** The same with line information. */
  readonly debug: string;
}

export interface SymboliserOptions {
  /** Of the kernel under test, with System.map and vmlinux.debug. */
  readonly kernelFolder: string;
  readonly programs: readonly ProgramFiles[];
  /** Of each call of the symboliser. */
  readonly timeoutMs?: number;
}

export interface Symbolised {
  /** For each line the lines that take its place. */
  readonly groups: readonly (readonly string[])[];
  /** How many places were found. */
  readonly found: number;
  /** What is missing, and how to get it. */
  readonly note?: string;
}

const usualLimitMs = 10_000;

interface Image {
  readonly symbols: SymbolTable;
  readonly debug: string;
  readonly isKernel: boolean;
}

/** The lines with places behind them, and before them lines that say what was inlined. */
export async function symbolise(lines: readonly string[], options: SymboliserOptions): Promise<Symbolised> {
  const frames = lines.map(frameOf);
  if (!frames.some((frame) => frame !== undefined)) return { groups: lines.map((line) => [line]), found: 0 };
  const images = await imagesOf(options);
  const wanted = frames.map((frame) => (frame === undefined ? undefined : locate(frame, images)));
  const places = new Map<Image, ReadonlyMap<bigint, readonly SourcePlace[]>>();
  const failed: Image[] = [];
  for (const image of images) {
    const addresses = new Set(wanted.flatMap((found) => (found?.image === image ? [found.address] : [])));
    if (addresses.size === 0) continue;
    const lookup = { timeoutMs: options.timeoutMs ?? usualLimitMs };
    const found = await findLines(image.debug, [...addresses], lookup);
    if (found === undefined || ![...found.values()].some(({ length }) => length > 0)) failed.push(image);
    if (found !== undefined) places.set(image, found);
  }
  let found = 0;
  const groups = lines.map((line, index) => {
    const target = wanted[index];
    const at = target === undefined ? [] : (places.get(target.image)?.get(target.address) ?? []);
    if (at.length > 0) found += 1;
    return withPlaces(line, at);
  });
  const note = noteAbout(options, images, failed);
  return { groups, found, ...(note === undefined ? {} : { note }) };
}

function locate(frame: Frame, images: readonly Image[]): { image: Image; address: bigint } | undefined {
  for (const image of images) {
    const start = image.symbols.addressOf(frame.symbol, frame.size);
    if (start === undefined) continue;
    return { image, address: start + BigInt(frame.isReturn ? frame.offset - 1 : frame.offset) };
  }
  return undefined;
}

/** " f+0x1/0x2" → " f+0x1/0x2 (mm/f.c:7)", behind a line for each function that was inlined there. */
function withPlaces(line: string, places: readonly SourcePlace[]): string[] {
  const outermost = places.at(-1);
  if (outermost === undefined) return [line];
  const margin = /^\s*(?:\[[^\]]*\])?\s*(?:rex:\s*)?/.exec(line)?.[0] ?? "";
  const inlined = places.slice(0, -1).map((place) => `${margin}[inlined] ${place.function} (${place.at})`);
  return [...inlined, line.replace(/(\+0x[0-9a-f]+\/0x[0-9a-f]+)/, `$1 (${outermost.at})`)];
}

async function imagesOf({ kernelFolder, programs }: SymboliserOptions): Promise<readonly Image[]> {
  const images: Image[] = [];
  // Programs first: their names have "::" in them, but for some that the kernel has too (memcpy).
  for (const { object, debug } of uniqueBy(programs, ({ object }) => object)) {
    if (!(await exists(debug))) continue;
    const { stdout } = await mustRun("nm", ["-S", object], { what: "nm", timeoutMs: usualLimitMs });
    images.push({ symbols: SymbolTable.parse(stdout), debug, isKernel: false });
  }
  const [map, debug] = [join(kernelFolder, "System.map"), join(kernelFolder, "vmlinux.debug")];
  if ((await exists(map)) && (await exists(debug)))
    images.unshift({ symbols: SymbolTable.parse(await readFile(map, "utf8")), debug, isKernel: true });
  return images;
}

function noteAbout(
  { kernelFolder }: SymboliserOptions,
  images: readonly Image[],
  failed: readonly Image[],
): string | undefined {
  if (!images.some(({ isKernel }) => isKernel))
    return `no source lines of the kernel: ${kernelFolder} has no vmlinux.debug`;
  if (failed.some(({ isKernel }) => isKernel))
    return "no source lines of the kernel: it was built without; --config debuginfo has them";
  return failed.length > 0 ? "no source lines of a program: its debug file gave none" : undefined;
}

function uniqueBy<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
