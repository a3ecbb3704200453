// SPDX-License-Identifier: MIT
// Places in source files ("kernel/rex/exit.c:120"), as links that unfold the lines around them where the report has these.
import { element } from "./dom.js";

/** @typedef {import("../data.ts").SourceExcerpt} SourceExcerpt */

/** The same as in sources.ts, which decides what the report has. */
const placePattern = /(?<![\w/.-])((?:[\w.@+-]*\/)*[\w.@+-]+\.(?:c|h|S|rs|ts)):(\d+)/g;

/**
 * A line of text with its places as links.
 * @param {string} text
 * @param {Readonly<Record<string, SourceExcerpt>>} sources
 * @param {() => Element} unfoldAfter the element behind which the source is shown
 * @returns {(Node | string)[]}
 */
export function withPlaces(text, sources, unfoldAfter) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(placePattern)) {
    const [place] = match;
    const excerpt = sources[place];
    if (excerpt === undefined) continue;
    parts.push(text.slice(end, match.index));
    const line = Number(match[2]);
    parts.push(
      element(
        "button.place",
        {
          type: "button",
          title: "show the source",
          click: () => toggleExcerpt(excerpt, line, unfoldAfter()),
        },
        place,
      ),
    );
    end = match.index + place.length;
  }
  parts.push(text.slice(end));
  return parts;
}

/**
 * @param {SourceExcerpt} excerpt
 * @param {number} line
 * @param {Element} after
 */
function toggleExcerpt(excerpt, line, after) {
  const next = after.nextElementSibling;
  const label = `${excerpt.path}:${line}`;
  const shown = next?.classList.contains("excerpt") ? next : undefined;
  shown?.remove();
  if (shown?.getAttribute("data-place") === label) return;
  const made = element("div.excerpt", { "data-place": label }, element("div.title", null, label));
  made.append(numberedLines(excerpt.lines, excerpt.first, new Set([line])));
  after.after(made);
}

/**
 * @param {readonly string[]} lines
 * @param {number} first
 * @param {ReadonlySet<number>} marked
 */
export function numberedLines(lines, first, marked) {
  const block = element("div.code");
  for (const [index, text] of lines.entries()) {
    const number = first + index;
    const line = element(marked.has(number) ? "div.line.fault" : "div.line", { "data-n": number }, text);
    block.append(line);
  }
  return block;
}
