// SPDX-License-Identifier: MIT
// With a program of the host's compiler: what a row says of an address is what addr2line says.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLineRows } from "./dwarf-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "rex-test-lines-"));
afterAll(() => rmSync(folder, { recursive: true }));

const inner = `static inline __attribute__((always_inline)) int inner(volatile int *p)
{
	int sum = 0;
	while (*p > sum)
${"\n".repeat(300)}		sum += *p;
	/* So much code in a line has the assembler go on by a constant. */
	__asm__ volatile(".skip 24, 0x90");
	return sum;
}
`;
const outer = `#include "parts/inner.h"
int outer(volatile int *p) { return inner(p) * 3; }
int main(void) { volatile int x = 1; return outer(&x) + inner(&x); }
`;

describe.each([2, 3, 4])("DWARF %s", (version) => {
  const file = join(folder, `program-${version}`);
  let section = Buffer.alloc(0);

  beforeAll(() => {
    execFileSync("mkdir", ["-p", join(folder, "parts")]);
    writeFileSync(join(folder, "parts/inner.h"), inner);
    writeFileSync(join(folder, "outer.c"), outer);
    const flags = ["-O1", `-gdwarf-${version}`, "-no-pie", "-nostdlib", "-emain"];
    execFileSync("gcc", [...flags, "-o", file, "outer.c"], { cwd: folder });
    execFileSync("objcopy", ["--dump-section", `.debug_line=${file}.lines`, file]);
    section = readFileSync(`${file}.lines`);
  });

  it("has each address at its line", () => {
    const rows = [...readLineRows(section)];
    // Of several rows at one address the last one counts.
    const known = new Map<number, string>();
    for (const { address, path, line } of rows) {
      if (path === undefined) known.delete(address);
      else known.set(address, `${path.replace(/^.*\//, "")}:${line}`);
    }
    const asked = [...known.keys()].map((address) => `0x${address.toString(16)}`);
    const said = execFileSync("addr2line", ["-s", "-e", file, ...asked], { encoding: "utf8" });
    const lines = said.split("\n").map((line) => line.replace(/ \(discriminator \d+\)$/, ""));
    expect([...known.values()]).toEqual(lines.slice(0, asked.length));
    expect(new Set(known.values())).toContain("inner.h:305");
    expect(rows.some(({ path }) => path?.endsWith("parts/inner.h"))).toBe(true);
  });

  it("refuses what it does not know", () => {
    const newer = Buffer.from(section);
    newer.writeUInt16LE(5, 4);
    expect(() => [...readLineRows(newer)]).toThrow("DWARF 5");
  });
});
