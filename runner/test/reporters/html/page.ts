// SPDX-License-Identifier: MIT
// The page around the data: its markup, style and script from page/, put into one file.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

export interface PageParts {
  readonly markup: URL;
  readonly styles: readonly URL[];
  /** Each after those that it imports. */
  readonly modules: readonly URL[];
}

const modules = ["dom", "model", "places", "timeline", "code", "details", "list", "main"];
const folder = new URL("page/", import.meta.url);

/** The page of a run. */
const ofRun: PageParts = {
  markup: new URL("report.html", folder),
  styles: [new URL("report.css", folder)],
  modules: modules.map((name) => new URL(`${name}.js`, folder)),
};

export interface Page {
  readonly head: string;
  readonly tail: string;
}

export async function readPage(parts: PageParts = ofRun): Promise<Page> {
  const [markup, styles, scripts] = await Promise.all([
    readFile(parts.markup, "utf8"),
    Promise.all(parts.styles.map((url) => readFile(url, "utf8"))),
    Promise.all(parts.modules.map((url) => readFile(url, "utf8"))),
  ]);
  const script = `"use strict";\n${scripts.map(joined).join("\n")}`;
  // The browser runs this script and no other, whatever got into the page.
  const hash = createHash("sha256").update(script).digest("base64");
  const page = put(markup, [
    ["script-src 'none'", `script-src 'sha256-${hash}'`],
    ['<link rel="stylesheet" href="report.css" />', `<style>\n${styles.join("")}</style>`],
    ['<script type="module" src="main.js"></script>', `<script>${script}</script>`],
  ]);
  const [head = "", tail = ""] = page.split("<!-- data -->");
  return { head, tail };
}

function put(markup: string, parts: readonly (readonly [string, string])[]): string {
  let page = markup;
  for (const [place, part] of parts) {
    if (!page.includes(place)) throw new Error(`report.html has no ${place}`);
    page = page.replace(place, () => part);
  }
  return page;
}

/** JSON that no parser of HTML finds an end, a comment or a beginning in. */
export function dataBlock(id: string, data: unknown): string {
  const json = JSON.stringify(data).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028");
  return `<script type="application/json" id="${id}">${json}</script>\n`;
}

/** A module of the page in a script with all others: their names are all different, and nobody has to import. */
function joined(module: string): string {
  return module
    .replaceAll(/^import \{[^}]*\} from "\.[^"]+";\n/gm, "")
    .replaceAll(/^export (?=function|const|class)/gm, "");
}
