// SPDX-License-Identifier: MIT
// lcov's tracefile (geninfo(1)), which editors, genhtml and coverage services read.
import { type FileCoverage, talliesOf } from "./lines.ts";

/** `absolute` says where a source file is on this machine. */
export function lcovText(files: readonly FileCoverage[], absolute: (path: string) => string): string {
  return files.map((file) => recordOf(file, absolute(file.path))).join("");
}

function recordOf(file: FileCoverage, path: string): string {
  const { lines, branches, functions } = talliesOf(file);
  const records = ["TN:", `SF:${path}`];
  for (const { name, line } of file.functions) records.push(`FN:${line},${name}`);
  for (const { name, calls } of file.functions) records.push(`FNDA:${calls},${name}`);
  records.push(`FNF:${functions.found}`, `FNH:${functions.hit}`);
  for (const [line, ways] of file.branches) {
    // "-" of a line that never ran: nobody was there to take a way.
    const ran = (file.lines.get(line) ?? 0) > 0;
    for (const [way, taken] of ways.entries()) records.push(`BRDA:${line},0,${way},${ran ? taken : "-"}`);
  }
  records.push(`BRF:${branches.found}`, `BRH:${branches.hit}`);
  for (const [line, count] of file.lines) records.push(`DA:${line},${count}`);
  records.push(`LF:${lines.found}`, `LH:${lines.hit}`, "end_of_record");
  return `${records.join("\n")}\n`;
}
