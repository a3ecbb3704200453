// SPDX-License-Identifier: MIT
import { SaxesParser } from "saxes";
import { expect, it } from "vitest";
import { countOutcomes } from "../outcome/outcome.ts";
import type { Verdict } from "../outcome/verdict.ts";
import { junitXml } from "./junit.ts";
import type { RunSummary, TestReport } from "./reporter.ts";
import { cwd, hostileName, recordedSummary } from "./testing/recorded-run.ts";

function testReport(name: string, verdict: Partial<Verdict>): TestReport {
  const whole = {
    outcome: { kind: "passed" } as const,
    durationMs: 1_250,
    queuedMs: 0,
    readyMs: 750,
    steps: [],
    ...verdict,
  };
  return {
    file: "specs/a.spec.ts",
    name,
    verdict: whole,
    errors: [],
    rerun: `rex-test run specs/a.spec.ts --filter '/^${name}$/'`,
  };
}

function summary(tests: readonly TestReport[]): RunSummary {
  const counts = countOutcomes(tests.map((test) => test.verdict.outcome.kind));
  return {
    tests,
    ignored: [],
    brokenFiles: [],
    stray: [],
    counts,
    exitCode: 0,
    durationMs: 1,
    interrupted: false,
  };
}

const report = {
  splats: [
    {
      kind: "panic",
      severity: "critical",
      title: "Kernel panic",
      firstLine: 0,
      lines: ["Kernel panic - <not> & syncing"],
    },
  ],
  consoleFile: "",
  consoleTail: [],
  consoleTailStart: 0,
  commandLine: "",
} as const;

it("names each test with its duration, and tells the outcomes apart", () => {
  const xml = junitXml(
    summary([
      testReport("passes", {}),
      testReport("fails", { outcome: { kind: "failed", reason: "1 is not 2" } }),
      testReport("crashes", {
        outcome: { kind: "kernel-crashed", reason: "Kernel panic" },
        failure: { report, exits: [] },
      }),
      testReport("never", { outcome: { kind: "never-ran", reason: "interrupted" } }),
    ]),
    "/",
  );
  expect(xml).toMatch(/<testsuite name="specs\/a\.spec\.ts" tests="4" failures="1" errors="1" skipped="1"/);
  expect(xml).toMatch(/name="passes" time="2"/);
  expect(xml).toMatch(/<failure message="1 is not 2" type="failed">/);
  expect(xml).toMatch(/<error message="kernel crashed: Kernel panic" type="kernel-crashed">/);
  expect(xml).toContain("Kernel panic - <not> & syncing");
});

it("writes no character that XML has no room for", () => {
  const xml = junitXml(
    summary([
      testReport("odd", {
        outcome: { kind: "failed", reason: "bell \u0007 and \u001b[31mred\u001b[0m ]]> end" },
      }),
    ]),
    "/",
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  expect(xml).toContain("bell  and red");
});

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** All elements of the document, ended; a strict parser throws at what is no XML. */
function parse(xml: string): readonly Element[] {
  const elements: Element[] = [];
  const open: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => open.push({ name, attributes, text: "" }));
  const onText = (text: string) => {
    const last = open.at(-1);
    if (last) last.text += text;
  };
  parser.on("text", onText);
  parser.on("cdata", onText);
  parser.on("closetag", () => {
    const ended = open.pop();
    if (ended) elements.push(ended);
  });
  parser.write(xml).close();
  return elements;
}

it("is XML, whatever names and consoles say, and counts what is in it", () => {
  const elements = parse(junitXml(recordedSummary, cwd));
  const named = (name: string) => elements.filter((element) => element.name === name);
  expect(named("testsuites")[0]?.attributes).toMatchObject({
    tests: "11",
    failures: "1",
    errors: "5",
    skipped: "2",
  });
  expect(named("testcase")).toHaveLength(11);
  expect(named("testcase").map(({ attributes }) => attributes["name"])).toContain(
    hostileName.replace("]]>", "]] >"),
  );
  const log = named("system-out").find(({ text }) => text.includes("<b>"))?.text;
  expect(log).toContain("<script>alert(1)</script> & ::error::no ]] > 日本語");
});
