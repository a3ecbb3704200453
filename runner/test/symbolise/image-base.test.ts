// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { imageOffset, parseSymbols } from "./image-base.ts";

it("reads the functions of nm's list, without those that share a name", () => {
  const text = [
    "0000000000001010 t endless::endless",
    "                 U rex_panic_end",
    "0000000000002090 d _DYNAMIC",
    "0000000000003000 t core::fmt::write",
    "0000000000003010 t core::fmt::write",
    "0000000000003020 t core::fmt::write",
  ];
  expect([...parseSymbols(text.join("\n"))]).toEqual([["endless::endless", 0x1010n]]);
});

it("finds the image that was loaded last", async () => {
  const symbols = new Map([
    ["memcpy", 0x1000n],
    ["a::b", 0x1010n],
  ]);
  const asked: string[] = [];
  const at = (address: bigint) => ({ name: "a::b", address: String(address), type: "t" });
  const kallsyms = async (names: readonly string[]) => {
    asked.push(...names);
    return [at(0xffff_ffff_a000_1010n), at(0xffff_ffff_a005_1010n)];
  };
  expect(await imageOffset(symbols, kallsyms)).toBe(0xffff_ffff_a005_0000n);
  expect(asked).toEqual(["a::b"]);
  expect(await imageOffset(symbols, async () => [])).toBeUndefined();
});
