// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import {
  countCargo,
  countJunit,
  countMutants,
  countTap,
  countVitest,
  settle,
  withoutTotals,
} from "./counts.ts";
import { findHosts, findMissingLicences } from "./source-rules.ts";

test("each runner's own way of counting", () => {
  expect(countVitest('{"numPassedTests":3,"numFailedTests":1}')).toEqual({ passed: 3, failed: 1 });
  const cargo =
    "test result: ok. 4 passed; 0 failed; 0 ignored\nx\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n";
  expect(countCargo(cargo)).toEqual({ passed: 5, failed: 2 });
  expect(countTap("ok 1\n# tests 5\n# pass 3\n# fail 1\n# cancelled 1\n")).toEqual({ passed: 3, failed: 2 });
  const junit =
    '<testsuites><testcase name="a"/><testcase name="b"><failure>x</failure></testcase><testcase name="c"><skipped/></testcase><testcase name="d"><system-out>y</system-out></testcase></testsuites>';
  expect(countJunit(junit)).toEqual({ passed: 2, failed: 1 });
  const mutants = '{"counts":{"killed":4,"survived":1,"error":1}}';
  expect(countMutants(mutants)).toEqual({ passed: 4, failed: 2 });
  expect(countMutants("{}")).toEqual({ passed: 0, failed: 0 });
});

test("a runner that failed counts, and so does one that ran nothing", () => {
  expect(settle({ passed: 3, failed: 0 }, 0)).toEqual({ passed: 3, failed: 0 });
  expect(settle({ passed: 3, failed: 0 }, 1)).toMatchObject({ failed: 1, remark: "ended with exit code 1" });
  expect(settle({ passed: 0, failed: 0 }, 0)).toMatchObject({ failed: 1, remark: "no test ran" });
  expect(settle({ passed: 3, failed: 2 }, 1)).toEqual({ passed: 3, failed: 2 });
});

test("inner totals are left out of what is shown", () => {
  expect(withoutTotals("a\n  3 passed, 1 failed\nb")).toBe("a\nb");
});

test("licences by folder", () => {
  const file = (path: string, licence: string) => ({
    path,
    text: `// SPDX-License-Identifier: ${licence}\n`,
  });
  expect(
    findMissingLicences([
      file("kernel/a.c", "GPL-2.0-only"),
      file("runner/a.ts", "MIT"),
      { path: "a.json", text: "{}" },
    ]),
  ).toEqual([]);
  expect(findMissingLicences([file("kernel/a.c", "MIT"), { path: "runner/a.ts", text: "x" }])).toEqual([
    "kernel/a.c: MIT, but GPL-2.0-only is this folder's licence",
    "runner/a.ts: no SPDX line; MIT is this folder's licence",
  ]);
});

test("a registry's host is found, except in lock files", () => {
  const text = `x\nhttps://registry.${"npmjs"}.org/a`;
  expect(findHosts([{ path: "a/package-lock.json", text }])).toEqual([]);
  expect(findHosts([{ path: "README.md", text }])).toEqual([expect.stringMatching(/^README.md:2: /)]);
});
