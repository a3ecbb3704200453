// SPDX-License-Identifier: MIT
// The counters of gcov as the kernel gives them (kernel/gcov/gcc_4_7.c): a file for each object, in it how often each counted arc
// of each function was taken. Read here without gcov, because a fuzzer looks at them after every batch; what lines they stand
// for only gcov can say, and it is given such a file again.

const magic = 0x67636461;
const functionTag = 0x01000000;
const arcsTag = 0x01a10000;
/** From this compiler on lengths are bytes, and a checksum follows the stamp. */
const bytesSince = 12;

/** All that a file says but the counts: the same for every file of one object of one kernel. */
export interface Shape {
  readonly version: number;
  /** The same as in the object's .gcno. */
  readonly stamp: number;
  readonly functions: readonly FunctionShape[];
}

interface FunctionShape {
  readonly ident: number;
  readonly lineChecksum: number;
  readonly graphChecksum: number;
  readonly arcs: number;
}

export interface ObjectCounters {
  readonly shape: Shape;
  /** Of the arcs of all functions, one function after the other. */
  readonly counts: Float64Array;
}

/** @throws Error for anything that is not such a file. */
export function parseGcda(bytes: Uint8Array): ObjectCounters {
  const reader = new WordReader(bytes);
  if (reader.word() !== magic) throw new Error("not a file of gcov's counters");
  const version = reader.word();
  const inBytes = countsBytes(version);
  const stamp = reader.word();
  if (inBytes) reader.word();
  const functions: FunctionShape[] = [];
  const counts: number[] = [];
  while (!reader.atEnd) {
    const tag = reader.word();
    // The compiler's own runtime ends a file with a zero; the kernel's does not.
    if (tag === 0) break;
    const length = reader.signedWord();
    const words = inBytes ? Math.abs(length) / 4 : length;
    if (tag === functionTag && words === 3) {
      const [ident, lineChecksum, graphChecksum] = [reader.word(), reader.word(), reader.word()];
      functions.push({ ident, lineChecksum, graphChecksum, arcs: 0 });
    } else if (tag === arcsTag && functions.length > 0) {
      const last = functions.length - 1;
      const arcs = words / 2;
      functions[last] = { ...(functions[last] as FunctionShape), arcs };
      // A negative length stands for so many zeroes.
      for (let arc = 0; arc < arcs; arc++) counts.push(length < 0 ? 0 : reader.count());
    } else reader.skip(length < 0 ? 0 : words);
  }
  return { shape: { version, stamp, functions }, counts: Float64Array.from(counts) };
}

/** A file that gcov reads beside the object's .gcno. */
export function formatGcda({ shape, counts }: ObjectCounters): Uint8Array {
  const inBytes = countsBytes(shape.version);
  const unit = inBytes ? 4 : 1;
  const words: number[] = [magic, shape.version, shape.stamp, ...(inBytes ? [0] : [])];
  let at = 0;
  for (const { ident, lineChecksum, graphChecksum, arcs } of shape.functions) {
    words.push(functionTag, 3 * unit, ident, lineChecksum, graphChecksum);
    if (arcs === 0) continue;
    words.push(arcsTag, 2 * arcs * unit);
    for (const end = at + arcs; at < end; at++) {
      const count = counts[at] ?? 0;
      words.push(count % 2 ** 32, Math.floor(count / 2 ** 32));
    }
  }
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return bytes;
}

/** "B22*" is gcc 12.2: the major version is a letter for the tens and a digit. */
function countsBytes(version: number): boolean {
  const tens = (version >>> 24) - "A".charCodeAt(0);
  const ones = ((version >>> 16) & 0xff) - "0".charCodeAt(0);
  return tens * 10 + ones >= bytesSince;
}

class WordReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at + 8 > this.#view.byteLength;
  }

  word(): number {
    const word = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return word;
  }

  signedWord(): number {
    return this.word() | 0;
  }

  count(): number {
    return this.word() + this.word() * 2 ** 32;
  }

  skip(words: number): void {
    this.#at += 4 * words;
  }
}
