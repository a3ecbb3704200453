// SPDX-License-Identifier: MIT
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { painter } from "../../support/style.ts";
import { escapeData, escapeProperty, GithubReporter } from "./github.ts";
import { markdownSummary } from "./github-summary.ts";
import { summaryText } from "./summary-text.ts";
import { cwd, MemoryOutput, recordedSummary, replay, testReport, verdict } from "./testing/recorded-run.ts";

async function commands(env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  const output = new MemoryOutput();
  await replay(new GithubReporter({ output, cwd, env }));
  return output.text.trimEnd().split("\n");
}

test("escapes as the runner of Actions unescapes", () => {
  expect(escapeData("100%\r\n::error::,:")).toBe("100%25%0D%0A::error::,:");
  expect(escapeProperty("a,b: 100%\n")).toBe("a%2Cb%3A 100%25%0A");
});

test("one command a line, at the assertion or at the test", async () => {
  const lines = await commands();
  expect(lines.every((line) => /^::(?:error|warning|notice) [^:]*::/.test(line))).toBe(true);
  const failed = lines.find((line) => line.includes("quotes"));
  expect(failed).toMatch(
    /^::error file=specs\/panic\/a\.spec\.ts,line=12,col=5,title=[^:]*::failed: expected 1 to be 2%0A/,
  );
  expect(lines.find((line) => line.includes("kernel crashed"))).toMatch(
    /^::error file=specs\/loader\/b\.spec\.ts,line=4,title=/,
  );
  expect(lines.find((line) => line.includes("Unexpected token"))).toMatch(
    /^::error file=specs\/broken\.spec\.ts,line=3,col=7,/,
  );
  expect(lines.filter((line) => line.startsWith("::warning"))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith("::notice"))).toHaveLength(1);
});

test("files are those of the checkout", async () => {
  const lines = await commands({ GITHUB_WORKSPACE: "/" });
  expect(lines.some((line) => line.includes("file=project/specs/panic/a.spec.ts"))).toBe(true);
});

test("the job gets a summary, behind what others wrote", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-github-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "summary.md");
  await commands({ GITHUB_STEP_SUMMARY: path });
  await commands({ GITHUB_STEP_SUMMARY: path });
  const text = await readFile(path, "utf8");
  expect(text.match(/^## rex-test$/gm)).toHaveLength(2);
  expect(text).toContain("| ☠ kernel crashed | 1 |");
});

test("names are no markup in the summary, and fences are longer than those in the text", () => {
  const text = markdownSummary(recordedSummary, String);
  expect(text).not.toContain("<b>&");
  expect(text).toContain("&lt;b&gt;&amp;");
  const reason = "one\n```\ntwo";
  const test = testReport("fenced", { verdict: verdict({ outcome: { kind: "failed", reason } }) });
  expect(markdownSummary({ ...recordedSummary, tests: [test] }, String)).toContain(
    "````text\none\n```\ntwo\n````",
  );
});

test("coverage is told in a sentence where it was counted, and as a table at the end for people", () => {
  const tallies = {
    lines: { found: 8, hit: 7 },
    branches: { found: 4, hit: 1 },
    functions: { found: 2, hit: 2 },
  };
  const files = [{ path: "kernel/rex/exit.c", ...tallies }];
  const coverage = { folder: "/project/coverage", files, total: tallies, notes: ["3 guests counted"] };
  const summary = { ...recordedSummary, coverage };
  expect(markdownSummary(summary, String)).toContain(
    "\nOf the runtime ran 87.5% of 8 lines, 25.0% of 4 branches, 100.0% of 2 functions (3 guests counted).\n",
  );
  expect(markdownSummary(recordedSummary, String)).not.toContain("Of the runtime");
  const text = summaryText(summary, cwd, painter(false));
  expect(text).toMatch(/^ {2}kernel\/rex\/exit\.c +87\.5% +7\/8 /m);
  expect(text).toContain("  coverage/index.html, coverage/lcov.info\n");
});

test("a summary never gets larger than GitHub takes", () => {
  const reason = "x".repeat(20_000);
  const many = Array.from({ length: 200 }, () =>
    testReport("big", { verdict: verdict({ outcome: { kind: "failed", reason } }) }),
  );
  const text = markdownSummary({ ...recordedSummary, tests: many }, String);
  expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
  expect(text).toMatch(/… and \d+ more/);
});
