// SPDX-License-Identifier: MIT
// Source lines for what is kept of a failed test: its splats, its exit records and its console.
import { readFile, writeFile } from "node:fs/promises";
import type { ExitRecord } from "../../protocol/generated.ts";
import type { GuestReport } from "../guests/guest.ts";
import type { Splat } from "../outcome/splat.ts";
import { symbolise } from "../symbolise/symboliser.ts";
import type { UsedProgram } from "./artifacts.ts";

export interface Evidence {
  readonly report: GuestReport;
  readonly exits: readonly ExitRecord[];
}

/** The file beside console.log, with source lines. */
const fileName = (consoleFile: string) => consoleFile.replace(/(?:\.log)?$/, ".symbolised.log");

/** The same with source lines, as far as they are known. What goes wrong is told, and costs nothing but the lines. */
export async function withSourceLines(
  evidence: Evidence,
  programs: readonly UsedProgram[],
  kernelFolder: string,
): Promise<Evidence> {
  try {
    return await symboliseEvidence(evidence, programs, kernelFolder);
  } catch (error) {
    const symbolNote = `no source lines: ${error instanceof Error ? error.message : String(error)}`;
    return { ...evidence, report: { ...evidence.report, symbolNote } };
  }
}

/** All lines in one go, so that each file is looked into once. */
async function symboliseEvidence(
  { report, exits }: Evidence,
  programs: readonly UsedProgram[],
  kernelFolder: string,
): Promise<Evidence> {
  const console = (await readFile(report.consoleFile, "utf8")).split("\n");
  const parts = [
    console,
    ...report.splats.map(({ lines }) => lines),
    ...exits.map(({ frames }) => frames.map(({ symbol }) => symbol)),
  ];
  const { groups, found, note } = await symbolise(parts.flat(), {
    kernelFolder,
    programs: programs.flatMap(({ built }) =>
      built?.debug === undefined ? [] : [{ object: built.object, debug: built.debug }],
    ),
  });
  const rest = groups.values();
  const [ofConsole = [], ...others] = parts.map((lines) => rest.take(lines.length).toArray());
  if (found > 0) await writeFile(fileName(report.consoleFile), ofConsole.flat().join("\n"));
  const splats: readonly Splat[] = report.splats.map((splat, index) => ({
    ...splat,
    lines: (others[index] ?? []).flat(),
  }));
  const records: readonly ExitRecord[] = exits.map((exit, index) => {
    const symbols = others[report.splats.length + index] ?? [];
    const frames = exit.frames.flatMap((frame, at) =>
      (symbols[at] ?? []).map((symbol) => ({ ...frame, symbol })),
    );
    return { ...exit, frames };
  });
  return { report: { ...report, splats, symbolNote: splats.length > 0 ? note : undefined }, exits: records };
}
