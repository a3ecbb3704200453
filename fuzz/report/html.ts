// SPDX-License-Identifier: MIT
// The report of campaigns as one self-contained page, made as that of a run is (docs/decisions/runner-html-report.md).
import { dataBlock, type PageParts, readPage } from "../../runner/test/reporters/html/page.ts";
import type { FuzzReport } from "./data.ts";

const shared = new URL("../../runner/test/reporters/html/page/", import.meta.url);
const own = new URL("page/", import.meta.url);

const parts: PageParts = {
  markup: new URL("report.html", shared),
  styles: [new URL("report.css", shared), new URL("fuzz.css", own)],
  modules: [new URL("dom.js", shared), ...["plot.js", "main.js"].map((name) => new URL(name, own))],
};

export async function fuzzReportPage(report: FuzzReport): Promise<string> {
  const { head, tail } = await readPage(parts);
  return `${head}${dataBlock("report", report)}${tail}`;
}
