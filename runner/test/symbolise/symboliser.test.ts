// SPDX-License-Identifier: MIT
// With a program of the host's compiler in the place of the kernel: it has functions, some inlined, and line information.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frameOf } from "./frames.ts";
import { parseLines } from "./line-finder.ts";
import { SymbolTable } from "./symbol-table.ts";
import { symbolise } from "./symboliser.ts";

describe("frameOf", () => {
  it("tells where the CPU stood from where a call will return to", () => {
    expect(frameOf("[    1.0] RIP: 0010:f+0x12/0x34")).toEqual({
      symbol: "f",
      offset: 18,
      size: 52,
      isReturn: false,
    });
    expect(frameOf("[    1.0]  ? core::fmt::write+0x1/0x2")).toMatchObject({
      symbol: "core::fmt::write",
      isReturn: true,
    });
    expect(frameOf("WARNING: CPU: 1 PID: 4 at mm/x.c:7 f+0x1/0x2")).toMatchObject({
      symbol: "f",
      isReturn: false,
    });
    expect(frameOf("[    1.0]  0xffffffffa00060e3")).toBeUndefined();
  });
});

describe("SymbolTable", () => {
  it("tells static functions of one name apart by their size", () => {
    const table = SymbolTable.parse(
      ["0000000000001000 t f", "0000000000001010 t g", "0000000000001030 T f", "0000000000001070 T end"].join(
        "\n",
      ),
    );
    expect(table.addressOf("f", 0x10)).toBe(0x1000n);
    expect(table.addressOf("f", 0x40)).toBe(0x1030n);
    expect(table.addressOf("f", 0x99)).toBeUndefined();
    expect(table.addressOf("g", 0x99)).toBe(0x1010n);
  });

  it("says what is at an address as the kernel does", () => {
    const table = SymbolTable.parse(
      ["0000000000001000 t f", "0000000000001010 t g", "0000000000001030 T end"].join("\n"),
    );
    expect(table.nameAt(0x1000n)).toBe("f+0x0/0x10");
    expect(table.nameAt(0x102fn)).toBe("g+0x1f/0x20");
    expect(table.nameAt(0xfffn)).toBeUndefined();
    expect(table.nameAt(0x1030n)).toBeUndefined();
    expect(SymbolTable.parse("").nameAt(0x1000n)).toBeUndefined();
  });
});

describe("parseLines", () => {
  it("keeps inlined functions in their order and leaves out what is not known", () => {
    const found = parseLines(
      [
        "0x0000000000001012: inner at /x/trees/k/tree/mm/slub.c:12 (discriminator 3)",
        " (inlined by) outer at /x/trees/k/tree/mm/slub.c:40",
        "",
        "0x1020: ?? at ??:0",
      ].join("\n"),
    );
    expect(found.get(0x1012n)).toEqual([
      { function: "inner", at: "mm/slub.c:12" },
      { function: "outer", at: "mm/slub.c:40" },
    ]);
    expect(found.get(0x1020n)).toEqual([]);
  });
});

const source = `
static inline __attribute__((always_inline)) int inner(volatile int *p)
{
	return *p + 1;
}
int outer(volatile int *p)
{
	return inner(p) * 3;
}
int main(void) { volatile int x = 1; return outer(&x); }
`;

describe("symbolise", () => {
  const folder = mkdtempSync(join(tmpdir(), "rex-test-symbolise-"));
  const bare = mkdtempSync(join(tmpdir(), "rex-test-symbolise-"));
  let line = "";

  beforeAll(() => {
    writeFileSync(join(folder, "kernel.c"), source);
    for (const [target, flags] of [
      [folder, ["-g"]],
      [bare, ["-g0"]],
    ] as const) {
      const binary = join(target, "vmlinux.debug");
      execFileSync("gcc", ["-O2", ...flags, "-fno-pie", "-no-pie", "-o", binary, join(folder, "kernel.c")]);
      writeFileSync(join(target, "System.map"), execFileSync("nm", ["-n", binary]));
    }
    const sizes = execFileSync("nm", ["-S", join(folder, "vmlinux.debug")], { encoding: "utf8" });
    const size = /^\S+ 0*([0-9a-f]+) T outer$/m.exec(sizes)?.[1] ?? "";
    line = `[    1.0] RIP: 0010:outer+0x0/0x${size}`;
  });
  afterAll(() => {
    for (const target of [folder, bare]) rmSync(target, { recursive: true });
  });

  it("puts file and line behind a place, and what was inlined there before it", async () => {
    const { groups, found, note } = await symbolise(["before", line, "behind"], {
      kernelFolder: folder,
      programs: [],
    });
    expect(found).toBe(1);
    expect(note).toBeUndefined();
    expect(groups.map(({ length }) => length)).toEqual([1, 2, 1]);
    expect(groups[1]?.[0]).toMatch(/^\[ {4}1\.0\] \[inlined\] inner \(.*kernel\.c:4\)$/);
    expect(groups[1]?.[1]).toMatch(/RIP: 0010:outer\+0x0\/0x[0-9a-f]+ \(.*kernel\.c:8\)$/);
  });

  it("leaves the lines as they are, and says why, where there is nothing to find", async () => {
    const without = await symbolise([line], { kernelFolder: bare, programs: [] });
    expect(without).toMatchObject({
      groups: [[line]],
      found: 0,
      note: expect.stringContaining("--config debuginfo"),
    });
    const absent = await symbolise([line], { kernelFolder: join(bare, "nothing"), programs: [] });
    expect(absent.note).toMatch(/has no vmlinux\.debug/);
    expect(await symbolise(["no frames"], { kernelFolder: bare, programs: [] })).toEqual({
      groups: [["no frames"]],
      found: 0,
    });
  });

  it("gives up in time", async () => {
    const { groups, found } = await symbolise([line], { kernelFolder: folder, programs: [], timeoutMs: 1 });
    expect({ groups, found }).toEqual({ groups: [[line]], found: 0 });
  });
});
