// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { gdbFiles, startCommands } from "./gdb.ts";
import { parseSymbols } from "./program-symbols.ts";

it("reads the functions of nm's list", () => {
  const text =
    "0000000000001010 t endless::endless\n                 U rex_panic_end\n0000000000002090 d _DYNAMIC\n";
  expect([...parseSymbols(text)]).toEqual([["endless::endless", 0x1010n]]);
});

it("has gdb connect before it says that it has", () => {
  const commands = startCommands(gdbFiles("/tmp/x"), []).split("\n");
  const at = (start: string) => commands.findIndex((line) => line.startsWith(start));
  expect(at("target remote /tmp/x/gdb.sock")).toBeLessThan(at("shell touch /tmp/x/attached"));
  expect(at("define hook-stop")).toBeGreaterThan(at("define rex-symbols"));
});
