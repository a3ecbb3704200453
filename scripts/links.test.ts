// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { findBrokenLinks } from "./links.ts";

const files = [
  { path: "README.md", text: "[a](docs/a.md) [b](docs/b.md) [web](https://example.com/x) [folder](docs/)\n" },
  {
    path: "docs/a.md",
    text: "# A `b`, c\n[up](../README.md) [me](#a-b-c) [no](#nothing) [far](../README.md#x)\n`[in](code.md)`\n",
  },
];
const present = new Set(["README.md", "docs/a.md", "docs"]);

test("links to absent files and headings are found, others are left alone", () => {
  expect(findBrokenLinks(files, (path) => present.has(path))).toEqual([
    "README.md: there is no docs/b.md",
    "docs/a.md: docs/a.md has no heading #nothing",
    "docs/a.md: README.md has no heading #x",
  ]);
});
