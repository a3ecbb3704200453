// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { declarations, reExports } from "./declarations.ts";
import { renderPage } from "./render.ts";

const text = `
import { type Other } from "./other.ts";
/** Of no concern. */
interface Inner { }
/**
 * A thing, told
 * in two lines.
 *
 * @example
 * await using thing = open();
 */
export declare class Thing implements AsyncDisposable {
    #private;
    /** Its name. */
    readonly name: string;
    /** Not for users. */
    constructor(parts: {
        readonly name: string;
    });
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function twice(a: number): number;
export declare function twice(a: string): string;
export declare const limit: 3;
declare module "elsewhere" {
    /** Added there. */
    interface Added {
        a(): void;
    }
}
`;

test("declarations have their docstrings, and nothing that is private", () => {
  const found = declarations("thing.d.ts", text);
  expect(found.map(({ name }) => name)).toEqual(["Inner", "Thing", "twice", "twice", "limit", "Added"]);
  const thing = found.find(({ name }) => name === "Thing");
  expect(thing?.doc).toBe("A thing, told\nin two lines.\n\n@example\nawait using thing = open();");
  expect(thing?.code).toBe(
    "class Thing implements AsyncDisposable {\n  /** Its name. */\n  readonly name: string;\n  [Symbol.asyncDispose](): Promise<void>;\n}",
  );
  expect(found.at(-1)).toEqual({
    name: "Added",
    doc: "Added there.",
    code: "interface Added {\n  a(): void;\n}",
  });
});

test("re-exports are found with the modules they come from", () => {
  const index =
    'import "./a.ts";\nexport { type A, b } from "./a.ts";\nexport type { C } from "./c.ts";\nexport * from "./d.ts";\n';
  expect(reExports("index.d.ts", index)).toEqual([
    { name: "A", from: "./a.ts" },
    { name: "b", from: "./a.ts" },
    { name: "C", from: "./c.ts" },
    { name: "*", from: "./d.ts" },
  ]);
});

test("a page has a section for each name; paragraphs are lines, examples are code, overloads stand together", () => {
  const api = Map.groupBy(declarations("thing.d.ts", text), ({ name }) => name);
  const page = renderPage({ file: "x.md", title: "X", about: "About.", names: ["Thing", "twice"] }, api);
  expect(page).toContain(
    "## Thing\n\nA thing, told in two lines.\n\n```ts\nawait using thing = open();\n```\n\n```ts\nclass",
  );
  expect(page).toContain(
    "## twice\n\n```ts\nfunction twice(a: number): number;\nfunction twice(a: string): string;\n```\n",
  );
});
