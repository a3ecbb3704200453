// SPDX-License-Identifier: MIT
// One page without scripts: a table of the files, and each file's source with how often its lines ran.
import { type FileCoverage, percent, type Tallies, type Tally, talliesOf, totalOf } from "./lines.ts";

export interface SourceOf {
  readonly coverage: FileCoverage;
  readonly text: string;
}

export function coveragePage(files: readonly SourceOf[], title: string, notes: readonly string[]): string {
  const tallies = files.map(({ coverage }) => talliesOf(coverage));
  const rows = files.map(({ coverage: { path } }, index) =>
    row(`<a href="#${path}">${escaped(path)}</a>`, tallies[index]),
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${style}</style>
<h1>${escaped(title)}</h1>
${notes.map((note) => `<p>${escaped(note)}</p>`).join("\n")}
<table>
<tr><th>file<th>lines<th>branches<th>functions</tr>
${[...rows, row("<b>all</b>", totalOf(tallies))].join("\n")}
</table>
${files.map(section).join("\n")}
</html>
`;
}

function row(name: string, tallies: Tallies | undefined): string {
  const cells = tallies === undefined ? [] : [tallies.lines, tallies.branches, tallies.functions];
  return `<tr><td>${name}${cells.map(cell).join("")}</tr>`;
}

function cell(tally: Tally): string {
  const { found, hit } = tally;
  return `<td><meter min="0" max="${Math.max(1, found)}" value="${hit}"></meter> ${percent(tally)} <small>${hit}/${found}</small>`;
}

function section({ coverage, text }: SourceOf): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const shown = lines.map((line, index) => sourceLine(coverage, index + 1, line));
  return `<details id="${coverage.path}" open><summary>${escaped(coverage.path)}</summary><pre>${shown.join("\n")}</pre></details>`;
}

function sourceLine({ lines, branches }: FileCoverage, number: number, text: string): string {
  const count = lines.get(number);
  const ways = branches.get(number) ?? [];
  const missed = count !== undefined && count > 0 ? ways.filter((taken) => taken === 0).length : 0;
  const kind = count === undefined ? "" : count === 0 ? "no" : missed > 0 ? "part" : "yes";
  const told = missed > 0 ? ` title="${missed} of ${ways.length} ways were never taken"` : "";
  const numbers = `${String(number).padStart(5)} ${String(count ?? "").padStart(10)}`;
  return `<span class="${kind}"${told}><i>${numbers}</i>  ${escaped(text)}</span>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 20px; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 2px 16px 2px 0; }
small, i { opacity: 0.6; font-style: normal; }
summary { font-weight: bold; margin-top: 24px; cursor: pointer; }
pre { font: 12px/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; tab-size: 8; }
pre span { display: inline-block; min-width: 100%; }
.yes { background: light-dark(#e6f6ea, #16301f); }
.part { background: light-dark(#fff5d6, #3a3114); }
.no { background: light-dark(#ffebe9, #4a1d1d); }
`;
