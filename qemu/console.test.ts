// SPDX-License-Identifier: MIT
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Console, printable } from "./console.ts";

it("joins lines that come in pieces, even in the middle of a character", () => {
  const console = new Console();
  const seen: string[] = [];
  console.onLine((line) => seen.push(line));
  const bytes = Buffer.from("grüße\r\nzwei\nrest");
  console.receive(bytes.subarray(0, 3));
  console.receive(bytes.subarray(3));
  expect(seen).toEqual(["grüße", "zwei"]);
  expect(console.lines).toEqual(["grüße", "zwei", "rest"]);
});

it("keeps a guest's control sequences away from the terminal", () => {
  expect(printable("\u001b[31mred\u001b[0m\u0007 and \u001b]0;title")).toBe("red and ]0;title");
});

it("bounds memory and disk when a guest floods its console", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-console-"));
  try {
    const file = join(folder, "console.log");
    const console = new Console(file);
    const chunk = Buffer.from(`${"x".repeat(99)}\n`.repeat(10_000));
    for (let written = 0; written < 20; written += 1) console.receive(chunk);
    console.receive(Buffer.from("the end\n"));
    await console.close();
    expect(console.bytes).toBe(20 * chunk.length + 8);
    expect(console.lines.length).toBeLessThanOrEqual(8_000);
    expect((await stat(file)).size).toBeLessThan(10 * 1024 * 1024);
    expect((await readFile(file, "utf8")).trimEnd().endsWith("the end")).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("ends a line that never ends", () => {
  const console = new Console();
  console.receive(Buffer.alloc(10_000, 0x61));
  expect(console.lines.every((line) => line.length <= 10_000)).toBe(true);
});

it("writes to a file that comes later what there was before it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-console-"));
  try {
    const file = join(folder, "console.log");
    const console = new Console();
    console.receive(Buffer.from("boot\nha"));
    console.keepIn(file);
    console.receive(Buffer.from("lf\nlast\n"));
    await console.close();
    expect(await readFile(file, "utf8")).toBe("boot\nhalf\nlast\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});
