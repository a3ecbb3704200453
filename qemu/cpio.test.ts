// SPDX-License-Identifier: MIT
import { execaSync } from "execa";
import { expect, it } from "vitest";
import { cpioArchive } from "./cpio.ts";

const archive = cpioArchive([
  { kind: "folder", path: "dev" },
  { kind: "device", path: "dev/console", major: 5, minor: 1 },
  { kind: "file", path: "init", contents: Buffer.from("hello"), mode: 0o755 },
  { kind: "symlink", path: "sbin", target: "usr/sbin" },
]);

it("writes what cpio(1) reads", () => {
  const listed = execaSync("cpio", ["--list", "--verbose", "--numeric-uid-gid"], {
    input: archive,
  }).stdout.split("\n");
  expect(listed).toHaveLength(4);
  expect(listed[0]).toMatch(/^drwxr-xr-x .* dev$/);
  expect(listed[1]).toMatch(/^crw------- .* 5, +1 .* dev\/console$/);
  expect(listed[2]).toMatch(/^-rwxr-xr-x .* 5 .* init$/);
  expect(listed[3]).toMatch(/^lrwxrwxrwx .* sbin -> usr\/sbin$/);
});

it("gives the same bytes for the same input", () => {
  const again = cpioArchive([{ kind: "file", path: "init", contents: Buffer.from("hello") }]);
  expect(cpioArchive([{ kind: "file", path: "init", contents: Buffer.from("hello") }])).toEqual(again);
});

it("pads every record to four bytes, whatever the lengths", () => {
  for (let length = 0; length < 9; length += 1) {
    const contents = Buffer.alloc(length, 0x61);
    expect(cpioArchive([{ kind: "file", path: "x".repeat(length + 1), contents }]).length % 4).toBe(0);
  }
});
