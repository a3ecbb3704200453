// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { joinFiles } from "./gcov.ts";
import { coveragePage } from "./html.ts";
import { lcovText } from "./lcov.ts";
import { type FileCoverage, percent, talliesOf } from "./lines.ts";
import { coverageTable } from "./table.ts";

const file: FileCoverage = {
  path: "kernel/rex/exit.c",
  lines: new Map([
    [3, 2],
    [4, 0],
  ]),
  branches: new Map([
    [3, [2, 0]],
    [4, [0, 0]],
  ]),
  functions: [{ name: "rex_exit", line: 2, calls: 2 }],
};

test("a tracefile as lcov has it", () => {
  expect(lcovText([file], (path) => `/src/${path}`)).toBe(`TN:
SF:/src/kernel/rex/exit.c
FN:2,rex_exit
FNDA:2,rex_exit
FNF:1
FNH:1
BRDA:3,0,0,2
BRDA:3,0,1,0
BRDA:4,0,0,-
BRDA:4,0,1,-
BRF:4
BRH:1
DA:3,2
DA:4,0
LF:2
LH:1
end_of_record
`);
});

test("what several objects say of a header is one file's", () => {
  const header = (count: number) => ({
    files: [
      {
        file: "/tree/include/linux/rex.h",
        functions: [{ name: "inline_one", start_line: 8, execution_count: count }],
        lines: [{ line_number: 9, count, branches: [{ count }, { count: 0 }] }],
      },
      { file: "/tree/include/linux/list.h", functions: [], lines: [] },
    ],
  });
  const [joined, ...others] = joinFiles([header(1), header(2)], ["include/linux/rex.h", "rex.h"]);
  expect(others).toEqual([]);
  expect(joined).toEqual({
    path: "include/linux/rex.h",
    lines: new Map([[9, 3]]),
    branches: new Map([[9, [3, 0]]]),
    functions: [{ name: "inline_one", line: 8, calls: 3 }],
  });
});

test("the table has the least covered files first and all of them at the end", () => {
  const full = { path: "kernel/rex/full.c", ...talliesOf({ ...file, lines: new Map([[1, 1]]) }) };
  const lines = coverageTable([full, { path: file.path, ...talliesOf(file) }]).split("\n");
  expect(lines.map((line) => line.split(" ")[0])).toEqual([
    "",
    "kernel/rex/exit.c",
    "kernel/rex/full.c",
    "all",
  ]);
  expect(lines.at(-1)).toMatch(/^all +66\.6% +2\/3 +25\.0% +2\/8 +100\.0% +2\/2$/);
  expect(percent({ found: 0, hit: 0 })).toBe("–");
});

test("the page shows sources as text, and what was missed", () => {
  const text = '\n\n\tif (a < b && "x")\n\t\tnever();\n';
  const page = coveragePage([{ coverage: file, text }], "Coverage of <it>", ["1 guest counted"]);
  expect(page).toContain("<title>Coverage of &lt;it&gt;</title>");
  expect(page).toContain("if (a &lt; b &amp;&amp; &quot;x&quot;)");
  expect(page).toMatch(/<span class="part" title="1 of 2 ways were never taken"><i> {4}3 {10}2<\/i>/);
  expect(page).toMatch(/<span class="no"><i> {4}4 {10}0<\/i>/);
});
