// SPDX-License-Identifier: MIT
// Addresses of symbols, from what nm(1) prints: System.map is that, too.

interface Entry {
  readonly name: string;
  readonly address: bigint;
  readonly size: bigint;
}

export class SymbolTable {
  readonly #entries = new Map<string, Entry[]>();
  /** By their addresses. */
  #sorted: readonly Entry[] = [];

  private constructor() {}

  /** Lines "address type name" or, with nm -S, "address size type name". */
  static parse(text: string): SymbolTable {
    const symbols = text.split("\n").flatMap((line) => {
      const [, address, size, name] =
        /^([0-9a-f]{8,16})(?: ([0-9a-f]{8,16}))? [tTwW] (\S+)$/.exec(line) ?? [];
      if (address === undefined || name === undefined) return [];
      return [
        { name, address: BigInt(`0x${address}`), size: size === undefined ? undefined : BigInt(`0x${size}`) },
      ];
    });
    symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const table = new SymbolTable();
    // Without sizes a symbol reaches to the next one, as kallsyms has it.
    let next: bigint | undefined;
    let end: bigint | undefined;
    const sorted: Entry[] = [];
    for (const { name, address, size } of symbols.toReversed()) {
      if (next !== undefined && next !== address) end = next;
      next = address;
      const entry = { name, address, size: size ?? (end === undefined ? 0n : end - address) };
      table.#entries.set(name, [entry, ...(table.#entries.get(name) ?? [])]);
      sorted.push(entry);
    }
    table.#sorted = sorted.reverse();
    return table;
  }

  /** Where the symbol is; of several with one name, the one of this size. Undefined when that can't be told. */
  addressOf(name: string, size?: number): bigint | undefined {
    const entries = this.#entries.get(name) ?? [];
    const sized = size === undefined ? [] : entries.filter((entry) => entry.size === BigInt(size));
    const candidates = sized.length > 0 ? sized : entries;
    return candidates.length === 1 ? candidates[0]?.address : undefined;
  }

  /** What is at an address, as kernel messages have it: "symbol+0x12/0x34". Undefined when it is inside of nothing that is known. */
  nameAt(address: bigint): string | undefined {
    const last = this.#sorted.at(-1);
    if (last === undefined || address >= last.address + last.size) return undefined;
    const entry = this.#sorted.findLast((found) => found.address <= address);
    if (entry === undefined || address >= entry.address + entry.size) return undefined;
    return `${entry.name}+0x${(address - entry.address).toString(16)}/0x${entry.size.toString(16)}`;
  }
}
