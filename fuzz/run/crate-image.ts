// SPDX-License-Identifier: MIT
// What has to be known of an object to tell which lines of the crate its code comes from, wherever it is loaded.
import { readFile } from "node:fs/promises";
import { readLineRows } from "../../runner/coverage/dwarf-lines.ts";
import { LineTable } from "../../runner/coverage/line-table.ts";
import { type ImageSymbols, imageSymbols } from "../../runner/test/symbolise/image-base.ts";
import { readElf } from "../verify/elf.ts";

export interface CrateImage {
  readonly symbols: ImageSymbols;
  /** Of lines of the crate only: "rex/src/map/keyed.rs:57". */
  readonly table: LineTable;
}

/** Of an object that was just built, and may be gone soon. */
export async function crateImage(object: string, debug: string): Promise<CrateImage> {
  const [symbols, bytes] = await Promise.all([imageSymbols(object), readFile(debug)]);
  const lines = readElf(bytes).sections.find(({ name }) => name === ".debug_line");
  const { start, size } = lines ?? { start: 0, size: 0 };
  const rows = readLineRows(bytes.subarray(start, start + size));
  return { symbols, table: LineTable.of(rows, crateFile) };
}

/** As the builder names them, wherever the sources are. */
export function crateFile(path: string): string | undefined {
  return /(?:^|\/)rex-crate\/(rex\/src\/.+)$/.exec(path)?.[1];
}
