// SPDX-License-Identifier: MIT
// The page in a browser, opened from a file as a reader does.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findBrowser } from "../../runner/doctor/browser.ts";
import { Corpus } from "../run/corpus.ts";
import { addBatch, type FoundThing, sample } from "../run/state.ts";
import { collectReport } from "./collect.ts";
import { fuzzReportPage } from "./html.ts";

const limitMs = 60_000;
const hostile = "<img src=x onerror=alert(1)></script>";
let browser: Browser | undefined;
let folder = "";

beforeAll(async () => {
  const executablePath = await findBrowser();
  if (executablePath === undefined)
    throw new Error(
      "there is no browser to show the page in: apt-get install chromium (rex-test doctor --fix does it)",
    );
  folder = await mkdtemp(join(tmpdir(), "rex-fuzz-report-"));
  // Root has no sandbox of Chromium's to be in; the page is our own.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
}, limitMs);

afterAll(async () => {
  await browser?.close();
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});

/** A corpus of two shards, both with the same finding. */
async function makeCorpus(): Promise<void> {
  for (const index of [1, 2]) {
    const name = { target: "programs", seed: 7, shard: { index, count: 2 }, config: "default" };
    const corpus = await Corpus.open(join(folder, "programs"), name, "the kernel");
    for (let step = 0; step < 4; step += 1) {
      const counts = { programs: 48, executions: 96 };
      addBatch(corpus.state, index - 1 + 2 * step, { counts, verdicts: [] });
      corpus.state.elapsedMs = 20_000 * step;
      corpus.state.covered = {
        arcs: 60 * step,
        arcsOf: 800,
        lines: 100 * step,
        linesOf: 1_000,
        branches: 50 * step,
        branchesOf: 700,
        crateLines: 30 * step,
        crateLinesOf: 120,
      };
      sample(corpus.state, step);
    }
    const key = `kernel health: ${hostile}`;
    const file = await corpus.keepFinding(key, () => `// the spec ${hostile}\n`);
    const found: FoundThing = {
      ...{ key, oracle: "kernel health", title: hostile, file, input: `mod p0 { ${hostile} }` },
      ...{ reproduced: 4 - index, attempts: 3, seen: 2, afterMs: 63_000, tracedMs: 90_000 },
    };
    corpus.state.findings.push(found);
    await corpus.keepRefused("fn main() {}", `error: ${hostile}`);
    await corpus.save();
  }
}

/** Whatever the page complains about fails the test. */
async function open(): Promise<Page> {
  if (browser === undefined) throw new Error("there is no browser");
  const file = join(folder, "report.html");
  await writeFile(file, await fuzzReportPage(await collectReport(folder, folder)));
  const page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => expect.fail(`the page threw: ${error.message}`));
  page.on("dialog", () => expect.fail("text of a program was run as a script"));
  page.on("request", (request) => expect(request.url()).toMatch(/^(?:file|data):/));
  await page.goto(`file://${file}`);
  return page;
}

it(
  "shows numbers, plots, each finding once, and what was refused, all of it as text",
  async () => {
    await makeCorpus();
    const page = await open();
    expect(await page.title()).toBe("✗ rex-test fuzz report");
    const text = (await page.textContent("main")) ?? "";
    expect(text).toContain("programs: 384 programs, 768 executions");
    expect(text).toContain("seed 7, shard 2/2, the kernel");
    expect(text).toContain("300 of 1000");
    expect(await page.locator("figure").allTextContents()).toHaveLength(6);
    // 96 programs in 40 s: from the second sample on, which is 20 s after the first.
    const line = page.locator("figure", { hasText: "programs per second" }).locator("polyline").first();
    expect((await line.getAttribute("points"))?.split(" ")).toHaveLength(3);
    expect(await line.locator("title").textContent()).toMatch(/2\.4 at the end/);
    const findings = page.locator("details", { hasText: "on 3 of 3 fresh guests" }).first();
    expect(await findings.locator("summary").first().textContent()).toContain(`kernel health: ${hostile}`);
    expect(await findings.textContent()).toContain("seen 4 times, first after 1:03");
    expect(await findings.textContent()).toContain(`mod p0 { ${hostile} }`);
    await findings.locator("details summary").click();
    await page.getByText(`// the spec ${hostile}`).waitFor();
    await page.locator("details", { hasText: /\.rs$/ }).last().locator("summary").click();
    await page.getByText(`error: ${hostile}`).waitFor();
  },
  limitMs,
);

it("a folder without campaigns is told", async () => {
  const empty = await mkdtemp(join(folder, "empty-"));
  await expect(collectReport(empty, folder)).rejects.toThrow(/no campaign/);
});
