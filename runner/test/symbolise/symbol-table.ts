// SPDX-License-Identifier: MIT
// Addresses of symbols, from what nm(1) prints: System.map is that, too.

interface Entry {
  readonly address: bigint;
  readonly size: bigint;
}

export class SymbolTable {
  readonly #entries = new Map<string, Entry[]>();

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
    for (const { name, address, size } of symbols.toReversed()) {
      if (next !== undefined && next !== address) end = next;
      next = address;
      const entry = { address, size: size ?? (end === undefined ? 0n : end - address) };
      table.#entries.set(name, [entry, ...(table.#entries.get(name) ?? [])]);
    }
    return table;
  }

  /** Where the symbol is; of several with one name, the one of this size. Undefined when that can't be told. */
  addressOf(name: string, size: number): bigint | undefined {
    const entries = this.#entries.get(name) ?? [];
    const sized = entries.filter((entry) => entry.size === BigInt(size));
    const candidates = sized.length > 0 ? sized : entries;
    return candidates.length === 1 ? candidates[0]?.address : undefined;
  }
}
