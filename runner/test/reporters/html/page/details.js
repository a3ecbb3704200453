// SPDX-License-Identifier: MIT
// Everything about one test, made when it is opened.
import { consoleView, diffView, disassemblyView, sourceView } from "./code.js";
import { commandLine, duration, element, section } from "./dom.js";
import { outcomes, readDetails } from "./model.js";
import { withPlaces } from "./places.js";
import { timeline } from "./timeline.js";

/** @typedef {import("../data.ts").ReportDetails} ReportDetails */
/** @typedef {import("../data.ts").ReportTest} ReportTest */

/**
 * @param {ReportTest} test
 * @param {number} index
 */
export function detailsView(test, index) {
  const panel = element("div.panel");
  const details = test.hasDetails ? readDetails(index) : undefined;
  if (details !== undefined) panel.append(...causeOf(details));
  else if (test.reason !== undefined) panel.append(element("pre.reason", null, test.reason));
  if (test.hasDetails && details === undefined)
    panel.append(
      element("p.note", null, "The report would have become too large: see the artifacts folder."),
    );
  if (test.durationMs + test.readyMs + test.queuedMs > 0)
    panel.append(section("Timeline", () => timeline(test), true));
  if (details !== undefined) panel.append(...evidenceOf(details));
  if (test.rerun !== undefined) panel.append(rerunOf(test));
  if (details !== undefined) panel.append(...keptOf(details));
  return panel;
}

/** @param {ReportDetails} details */
function causeOf({ reason, step, errors, sources }) {
  const parts = [];
  if (step !== undefined) parts.push(element("p.step", null, "in step ", element("b", null, step)));
  if (reason !== "") parts.push(element("pre.reason", null, reason));
  for (const { message, diff, at } of errors) {
    if (message !== "") parts.push(element("pre.reason", null, message));
    if (diff !== undefined) parts.push(diffView(diff));
    if (at !== undefined) parts.push(placeLine(`at ${at}`, sources));
  }
  return parts;
}

/**
 * @param {string} text
 * @param {ReportDetails["sources"]} sources
 */
function placeLine(text, sources) {
  const line = element("p.at");
  line.append(...withPlaces(text, sources, () => line));
  return line;
}

/** @param {ReportDetails} details */
function evidenceOf({ guest, exits, programs, console: log, sources, attempts }) {
  const parts = [];
  if (guest !== undefined) parts.push(element("p.note", null, `guest with ${guest}`));
  if (attempts.length > 1)
    parts.push(section(`Attempts (${attempts.length})`, () => attemptList(attempts), true));
  if (exits.length > 0)
    parts.push(section(`Exit records (${exits.length})`, () => exitList(exits, sources), true));
  for (const program of programs) {
    if (program.source !== undefined) {
      const open = program.faults.length > 0;
      parts.push(section(`Program ${program.name}`, () => sourceView(program), open));
    }
    if (program.disassembly.length > 0)
      parts.push(section(`Disassembly of ${program.name}`, () => disassemblyView(program), false));
  }
  if (log !== undefined) {
    const count = log.splats.length;
    const title = `Console${count > 0 ? ` (${count} splat${count === 1 ? "" : "s"})` : ""}`;
    parts.push(section(title, () => consoleView(log, sources), count > 0 || exits.length === 0));
  }
  return parts;
}

/** @param {ReportTest} test */
function rerunOf({ id, rerun }) {
  return section(
    "Run it again",
    () =>
      element(
        "div",
        null,
        id !== undefined && commandLine(`rex-test rerun ${id}`),
        rerun !== undefined && commandLine(rerun),
      ),
    true,
  );
}

/** @param {ReportDetails} details */
function keptOf({ artifacts, attachments, commandLine: qemu, qmpLog }) {
  const parts = [];
  if (artifacts !== undefined)
    parts.push(element("p.kept", null, "kept in ", element("code", null, `${artifacts}/`)));
  for (const { name, path, bytes } of attachments)
    parts.push(element("p.kept", null, `${name} (${bytes} bytes): `, element("code", null, path)));
  if (qemu !== undefined) parts.push(section("QEMU command line", () => commandLine(qemu), false));
  if (qmpLog.length > 0)
    parts.push(section("QMP log", () => element("pre.qmp", null, qmpLog.join("\n")), false));
  return parts;
}

/** @param {ReportDetails["attempts"]} attempts */
function attemptList(attempts) {
  const items = attempts.map(({ outcome, reason }) =>
    element(`li.${outcome}`, null, outcomes[outcome].words, reason !== "" && `: ${reason}`),
  );
  return element("ol.attempts", null, ...items);
}

/**
 * @param {ReportDetails["exits"]} exits
 * @param {ReportDetails["sources"]} sources
 */
function exitList(exits, sources) {
  const all = element("div");
  for (const exit of exits) {
    const title = `${exit.prog}: ${exit.reason}`;
    const where = `CPU ${exit.cpu}, ${exit.level} context, ${exit.comm} (${exit.pid}), after ${duration(Math.round(exit.durationNs / 1e6))}, ${exit.stackUsed} bytes of stack`;
    const frames = exit.frames.map(({ symbol }) => {
      const line = element("div.line");
      line.append(...withPlaces(symbol, sources, () => line));
      return line;
    });
    all.append(
      element(
        "div.exit",
        null,
        element("div.title", null, `#${exit.seq} ${title}`),
        exit.message !== undefined && element("pre.reason", null, exit.message),
        exit.location !== undefined && placeLine(`at ${exit.location}`, sources),
        element("p.note", null, where),
        exit.released.length > 0 && element("p.note", null, `released: ${exit.released.join(", ")}`),
        element("div.code", null, ...frames),
      ),
    );
  }
  return all;
}
