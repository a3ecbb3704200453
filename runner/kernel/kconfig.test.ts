// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { evaluate, findDefinitions } from "./kconfig.ts";

const kconfig = `
menu "Testing"
	depends on DEBUG_KERNEL

if RUNTIME_TESTING_MENU

config LKDTM
	tristate "Crash test"
	depends on DEBUG_FS && \\
		NET
	help
	  It crashes
	  if CONFIG_FOO is set, and
	  depends on nothing else.

config HIDDEN
	bool
endif

config AFTER
	bool "After"
endmenu
`;

test("an entry's conditions are its own and those of the blocks around it, not those of its help text", () => {
  const [lkdtm] = findDefinitions(kconfig, "LKDTM");
  expect(lkdtm?.conditions.map((condition) => condition.replaceAll(/\s+/g, " "))).toEqual([
    "DEBUG_KERNEL",
    "RUNTIME_TESTING_MENU",
    "DEBUG_FS && NET",
  ]);
  expect(lkdtm).toMatchObject({ line: 7, hasPrompt: true });
});

test("an entry without a prompt is recognised", () => {
  expect(findDefinitions(kconfig, "HIDDEN")).toMatchObject([
    { hasPrompt: false, conditions: ["DEBUG_KERNEL", "RUNTIME_TESTING_MENU"] },
  ]);
});

test("a block that ended no longer counts", () => {
  expect(findDefinitions(kconfig, "AFTER")).toMatchObject([{ conditions: ["DEBUG_KERNEL"] }]);
  expect(findDefinitions(kconfig, "ABSENT")).toEqual([]);
});

test.each([
  ["A", true],
  ["B", false],
  ["!B", true],
  ["A && B", false],
  ["A || B", true],
  ["A && (B || !C)", true],
  ["!(A || B)", false],
  ["M", true],
  ["A && n", false],
  ["B = y", undefined],
])("%s", (condition, holds) => {
  const settings = new Map([
    ["A", "y"],
    ["B", "n"],
    ["M", "m"],
  ]);
  expect(evaluate(condition, settings)).toBe(holds);
});
