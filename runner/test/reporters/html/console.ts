// SPDX-License-Identifier: MIT
// The console log as the report shows it: with source lines where they are known, its splats marked, and not more than a reader
// and a browser can take.
import { readFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { visible } from "../../../support/format.ts";
import type { GuestReport } from "../../guests/guest.ts";
import type { Splat } from "../../outcome/splat.ts";
import type { ConsoleLine, ReportConsole } from "./data.ts";

const mostLines = 3_000;
const longestLine = 1_000;
/** A function that was inlined where the next line says: put there by the symboliser, not by the kernel. */
const inlined = /^(?:\[\s*[\d.]+\]\s*)?(?:rex:\s*)?\[inlined\] /;

export async function reportConsole(report: GuestReport): Promise<ReportConsole> {
  const text = await readLog(report);
  const raw = text === undefined ? report.consoleTail : withoutLastBreak(text).split("\n");
  const offset = text === undefined ? report.consoleTailStart : 0;
  const lines = numbered(raw, offset, report.splats);
  // The end matters most, but the first splat is the cause: the log is cut before it, if need be after it.
  const firstSplat = lines.findIndex(({ splat }) => splat);
  const start = Math.max(0, Math.min(lines.length - mostLines, firstSplat < 0 ? lines.length : firstSplat));
  return {
    lines: lines.slice(start, start + mostLines),
    omitted: start + offset,
    splats: report.splats.map(({ firstLine, title, severity }) => ({ line: firstLine + 1, title, severity })),
    note: report.symbolNote,
  };
}

/** With source lines, if that was written; undefined when the file is gone. */
async function readLog({ consoleFile }: GuestReport): Promise<string | undefined> {
  for (const file of [consoleFile.replace(/(?:\.log)?$/, ".symbolised.log"), consoleFile]) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}

function numbered(raw: readonly string[], offset: number, splats: readonly Splat[]): readonly ConsoleLine[] {
  const spans = splats.map(({ firstLine, lines }) => ({
    first: firstLine + 1,
    last: firstLine + lines.filter((line) => !inlined.test(line)).length,
  }));
  let number = offset;
  return raw.map((line) => {
    const text = visible(stripVTControlCharacters(line.trimEnd())).slice(0, longestLine);
    const isInlined = inlined.test(text);
    if (!isInlined) number += 1;
    // What was inlined stands before the line that it belongs to.
    const at = isInlined ? number + 1 : number;
    const splat = spans.some(({ first, last }) => first <= at && at <= last);
    return { ...(isInlined ? {} : { number }), text, ...(splat ? { splat } : {}) };
  });
}

function withoutLastBreak(text: string): string {
  return text.replace(/\n$/, "");
}
