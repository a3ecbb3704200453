// SPDX-License-Identifier: MIT
// Which reporters a run has and where each writes: `--reporter pretty --reporter junit=out.xml`.
import { resolve } from "node:path";
import { RexTestError } from "../../support/errors.ts";
import type { FileMode } from "./output.ts";

interface ReporterKind {
  /** For --help. */
  readonly title: string;
  /** Where it writes when no file is given; "stdout" is a stream. */
  readonly destination: string;
  readonly mode: FileMode;
  /** Its format has no room for what others write. */
  readonly exclusive: boolean;
}

export const reporterKinds = {
  pretty: { title: "for people", destination: "stdout", mode: "stream", exclusive: false },
  dot: { title: "a character per test", destination: "stdout", mode: "stream", exclusive: false },
  tap: { title: "TAP 14", destination: "stdout", mode: "stream", exclusive: true },
  ktap: { title: "the kernel's KTAP", destination: "stdout", mode: "stream", exclusive: true },
  github: { title: "annotations, job summary", destination: "stdout", mode: "stream", exclusive: false },
  jsonl: { title: "an event a line", destination: "stdout", mode: "stream", exclusive: true },
  html: { title: "a page, report.html", destination: "report.html", mode: "whole", exclusive: true },
  junit: { title: "XML, junit.xml", destination: "junit.xml", mode: "whole", exclusive: true },
} as const satisfies Record<string, ReporterKind>;

export type ReporterName = keyof typeof reporterKinds;

export interface ReporterChoice {
  readonly name: ReporterName;
  /** Absent: as its kind says. "-" is stdout. */
  readonly file?: string | undefined;
}

export interface Destination {
  readonly name: ReporterName;
  /** Absolute; absent: stdout. */
  readonly path: string | undefined;
}

/** "junit=out.xml" */
export function parseReporter(value: string): ReporterChoice {
  const [, name = "", file] = /^([^=]*)(?:=(.*))?$/s.exec(value) ?? [];
  if (!isReporterName(name)) {
    throw new RexTestError(`there is no reporter "${name}"`, {
      hint: `there are ${Object.keys(reporterKinds).join(", ")}`,
    });
  }
  if (file === "") throw new RexTestError(`--reporter ${value}: the name of the file is missing`);
  return { name, file };
}

/** Where each of them writes. Two that would write into each other's text are refused. */
export function destinations(choices: readonly ReporterChoice[], cwd: string): readonly Destination[] {
  const all: Destination[] = [];
  for (const { name, file } of choices) {
    const target = file ?? reporterKinds[name].destination;
    const path = target === "-" || target === "stdout" ? undefined : resolve(cwd, target);
    if (all.some((other) => other.name === name && other.path === path)) continue;
    all.push({ name, path });
  }
  for (const [where, sharing] of Map.groupBy(all, ({ path }) => path ?? "stdout")) {
    const conflict = where !== "stdout" || sharing.some(({ name }) => reporterKinds[name].exclusive);
    if (sharing.length === 1 || !conflict) continue;
    const names = sharing.map(({ name }) => name);
    throw new RexTestError(`the reporters ${names.join(" and ")} would write into each other's text`, {
      where,
      hint: `give each a file: --reporter ${names.at(-1)}=FILE`,
    });
  }
  return all;
}

function isReporterName(name: string): name is ReporterName {
  return Object.hasOwn(reporterKinds, name);
}
