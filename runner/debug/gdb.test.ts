// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { gdbFiles, startCommands } from "./gdb.ts";

it("has gdb connect before it says that it has", () => {
  const commands = startCommands(gdbFiles("/tmp/x"), []).split("\n");
  const at = (start: string) => commands.findIndex((line) => line.startsWith(start));
  expect(at("target remote /tmp/x/gdb.sock")).toBeLessThan(at("shell touch /tmp/x/attached"));
  expect(at("define hook-stop")).toBeGreaterThan(at("define rex-symbols"));
});
