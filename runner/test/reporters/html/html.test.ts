// SPDX-License-Identifier: MIT
// The report in a browser, opened from a file as a reader does.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findBrowser } from "../../../doctor/browser.ts";
import type { RunSummary } from "../reporter.ts";
import {
  cwd,
  exitRecord,
  guestReport,
  hostileName,
  MemoryOutput,
  panicSplat,
  recordedSummary,
  replay,
  testReport,
  verdict,
} from "../testing/recorded-run.ts";
import { HtmlReporter } from "./html.ts";

const limitMs = 60_000;
let browser: Browser | undefined;
let folder: string | undefined;

beforeAll(async () => {
  const executablePath = await findBrowser();
  if (executablePath === undefined) {
    throw new Error(
      "there is no browser to show the report in: apt-get install chromium (rex-test doctor --fix does it), or have REX_TEST_CHROMIUM name one",
    );
  }
  folder = await mkdtemp(join(tmpdir(), "rex-html-"));
  // Root has no sandbox of Chromium's to be in; the page is our own.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
}, limitMs);

afterAll(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Opens the report of a run; whatever the page complains about fails the test. */
async function open(summary: RunSummary, colorScheme: "light" | "dark" = "light"): Promise<Page> {
  const output = new MemoryOutput();
  await replay(new HtmlReporter(output, cwd), summary);
  expect(output.state).toBe("finished");
  const file = join(folder ?? "", "report.html");
  await writeFile(file, output.text);
  if (browser === undefined) throw new Error("there is no browser");
  const page = await browser.newPage({ colorScheme });
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => expect.fail(`the page threw: ${error.message}`));
  page.on("dialog", () => expect.fail("text of a test was run as a script"));
  page.on("request", (request) => expect(request.url()).toMatch(/^(?:file|data):/));
  await page.goto(`file://${file}`);
  return page;
}

async function withFiles(): Promise<RunSummary> {
  const consoleFile = join(folder ?? "", "console.log");
  await writeFile(consoleFile, ["boot", ...panicSplat.lines, "<img src=x onerror=alert(1)>"].join("\n"));
  const source = join(folder ?? "", "0-program.rs");
  await writeFile(source, "fn prog() {\n  a[7]\n}\n");
  const crash = testReport(hostileName, {
    verdict: verdict({
      outcome: { kind: "kernel-crashed", reason: panicSplat.title, splat: panicSplat },
      steps: [{ name: "attach", depth: 0, startedMs: 10, durationMs: 50, ok: false }],
      failure: {
        report: guestReport({ consoleFile, splats: [panicSplat] }),
        exits: [exitRecord],
        programs: [{ name: "program", source }],
        artifacts: "/project/artifacts/run/test",
        guest: { cpus: 2, memoryMiB: 128, kernelParameters: ["maxcpus=1"], hostTools: false },
      },
    }),
  });
  return { ...recordedSummary, tests: [crash, ...recordedSummary.tests] };
}

const row = (page: Page, name: string) => page.locator(".test", { has: page.getByText(name) }).first();

test("tests are shown by promise, with counts, those that failed first", { timeout: limitMs }, async () => {
  const page = await open(recordedSummary);
  expect(await page.locator(".group .name").allTextContents()).toEqual(["loader", "panic", "specs"]);
  expect(await page.title()).toBe("✗ rex-test report");
  expect(await page.locator(".filter").allTextContents()).toContain("1 kernel crashed");
  expect(await page.locator(".stray").textContent()).toContain("nobody awaited this");
  expect(await page.locator(".test").count()).toBe(10);
  await page.close();
});

test("filters by outcome and by text", { timeout: limitMs }, async () => {
  const page = await open(recordedSummary);
  await page.locator(".filter.guest-hung").click();
  expect(await page.locator(".test .name").allTextContents()).toEqual(["hangs"]);
  await page.locator(".filter.guest-hung").click();
  await page.getByRole("searchbox").fill("QEMU ended");
  expect(await page.locator(".test .name").allTextContents()).toEqual(["has no guest"]);
  await page.getByRole("searchbox").fill("no such test");
  expect(await page.locator("#main").textContent()).toContain("no test is like that");
  await page.close();
});

test("a failure shows everything, and its text is only text", { timeout: limitMs }, async () => {
  const page = await open(await withFiles());
  const test = row(page, "quotes");
  await test.locator(".row").click();
  expect(await test.locator(".name").textContent()).toBe(hostileName);
  expect(await test.locator(".timeline .label").allTextContents()).toEqual([
    "queued",
    "guest cloned",
    "test",
    "  attach",
  ]);
  expect(await test.locator(".panel").textContent()).toContain("2 CPUs and 128 MiB, parameters maxcpus=1");
  expect(await test.locator(".exit").textContent()).toContain("index out of bounds: <the len> is 3");
  const fault = test.locator(".section", { hasText: "Program program" }).locator(".fault");
  expect(await fault.textContent()).toBe("  a[7]");
  expect(await test.locator(".console .splat").count()).toBe(3);
  expect(await test.locator(".console .line").last().textContent()).toBe("<img src=x onerror=alert(1)>");
  expect(await test.locator(".command").first().textContent()).toContain("rex-test rerun id-");
  await test.locator(".exit .place").first().click();
  expect(await test.locator(".exit .excerpt .fault").textContent()).toBe("  a[7]");
  await page.close();
});

test("it is light or dark as the reader wishes", { timeout: limitMs }, async () => {
  const background = (page: Page) =>
    page.evaluate("getComputedStyle(document.body).backgroundColor") as Promise<string>;
  const page = await open(recordedSummary, "dark");
  const dark = await background(page);
  await page.locator(".theme").click();
  expect(await background(page)).not.toBe(dark);
  await page.locator(".theme").click();
  expect(await background(page)).toBe(dark);
  await page.close();
});

test("thousands of tests are as quick as a few", { timeout: limitMs }, async () => {
  const tests = Array.from({ length: 5_000 }, (_, index) =>
    testReport(`test ${index}`, { file: `specs/promise-${index % 20}/a.spec.ts` }),
  );
  const startedAt = performance.now();
  const page = await open({ ...recordedSummary, tests });
  const shown = await page.locator(".test").count();
  expect(shown).toBeGreaterThan(50);
  expect(shown).toBeLessThan(500);
  await page.getByRole("searchbox").fill("test 4999");
  expect(await page.locator(".test .name").allTextContents()).toEqual(["test 4999"]);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await page.getByRole("searchbox").fill("");
  await page.evaluate("scrollTo(0, document.body.scrollHeight)");
  await expect.poll(() => page.locator(".test").count()).toBeGreaterThan(shown);
  await page.close();
});
