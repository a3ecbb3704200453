// SPDX-License-Identifier: MIT
// What is shown line by line: the console, a program's source and its machine code, diffs.
import { element } from "./dom.js";
import { numberedLines, withPlaces } from "./places.js";

/** @typedef {import("../data.ts").ReportConsole} ReportConsole */
/** @typedef {import("../data.ts").ReportProgram} ReportProgram */
/** @typedef {import("../data.ts").SourceExcerpt} SourceExcerpt */

/**
 * @param {ReportConsole} log
 * @param {Readonly<Record<string, SourceExcerpt>>} sources
 */
export function consoleView(log, sources) {
  const block = element("div.code.console");
  if (log.omitted > 0) block.append(element("div.omitted", null, `… ${log.omitted} lines before`));
  for (const { number, text, splat } of log.lines) {
    const line = element(splat ? "div.line.splat" : "div.line", { "data-n": number ?? "" });
    line.append(...withPlaces(text, sources, () => line));
    block.append(line);
  }
  const jumps = log.splats.map(({ line, title, severity }) =>
    element(
      `button.jump.${severity}`,
      {
        type: "button",
        click: () => block.querySelector(`[data-n="${line}"]`)?.scrollIntoView({ block: "center" }),
      },
      `line ${line}: ${title}`,
    ),
  );
  return element(
    "div",
    null,
    jumps.length > 0 && element("div.jumps", null, ...jumps),
    log.note !== undefined && element("p.note", null, log.note),
    block,
  );
}

/** @param {ReportProgram} program */
export function sourceView(program) {
  const faults = new Set(program.faults);
  return numberedLines((program.source ?? "").replace(/\n$/, "").split("\n"), 1, faults);
}

/** @param {ReportProgram} program */
export function disassemblyView(program) {
  const all = element("div");
  for (const { name, instructions } of program.disassembly) {
    const block = element("div.code.assembly");
    for (const { address, text, at, frame } of instructions) {
      if (at !== undefined) block.append(element("div.at", null, at));
      const line = element(frame === undefined ? "div.line" : "div.line.fault", { "data-n": address }, text);
      if (frame !== undefined) line.append(element("span.frame", null, `frame ${frame}`));
      block.append(line);
    }
    all.append(element("div.title", null, name), block);
  }
  return all;
}

/** @param {string} diff as vitest writes it: - is what was expected */
export function diffView(diff) {
  const lines = diff.split("\n").map((text) => {
    const kind = text.startsWith("-") ? ".expected" : text.startsWith("+") ? ".received" : "";
    return element(`div.line${kind}`, null, text === "" ? " " : text);
  });
  return element("div.code.diff", null, ...lines);
}
