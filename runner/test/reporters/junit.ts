// SPDX-License-Identifier: MIT
// JUnit XML: a suite per spec file, a case per test. A failed test is a <failure>, whatever else went wrong an <error> whose
// type names the outcome; the splat or the end of the console is in it, and the whole story in system-out.
import { stripVTControlCharacters } from "node:util";
import junit, { type Builder, type TestCase } from "junit-report-builder";
import { outcomeWords } from "../outcome/outcome.ts";
import type { Output } from "./output.ts";
import type { Reporter, RunSummary, TestReport } from "./reporter.ts";
import { consoleText, failureText } from "./text.ts";

export class JunitReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;

  constructor(output: Output, cwd: string) {
    this.#output = output;
    this.#cwd = cwd;
  }

  onEnd(summary: RunSummary): void {
    this.#output.write(junitXml(summary, this.#cwd));
    this.#output.finish();
  }

  onFatal(): void {
    this.#output.discard();
  }
}

export function junitXml(summary: RunSummary, cwd: string): string {
  // The package's types describe a default export inside the module; what is exported is the builder itself.
  const builder = (junit as unknown as Builder).newBuilder();
  const entries = [...summary.tests, ...summary.ignored];
  for (const [file, ofFile] of Map.groupBy(entries, (entry) => entry.file)) {
    const suite = builder.testSuite().name(clean(file));
    for (const entry of ofFile) {
      if ("verdict" in entry) addCase(suite.testCase(), entry, cwd);
      else suite.testCase().className(clean(file)).name(clean(entry.name)).skipped();
    }
  }
  for (const broken of summary.brokenFiles) {
    builder
      .testSuite()
      .name(broken.file)
      .testCase()
      .className(broken.file)
      .name("(the spec file itself)")
      .error("the spec could not be loaded", "not-loaded", clean(broken.message));
  }
  for (const error of summary.stray) {
    builder
      .testSuite()
      .name("(outside of any test)")
      .testCase()
      .className("run")
      .name("stray error")
      .error(clean(error.message), "infrastructure-failed", clean(error.message));
  }
  return builder.build();
}

function addCase(testCase: TestCase, test: TestReport, cwd: string): void {
  const { outcome, durationMs, readyMs, failure } = test.verdict;
  testCase
    .className(clean(test.file))
    .name(clean(test.name))
    .time((durationMs + readyMs) / 1000)
    .file(clean(test.file));
  if (test.flaky) testCase.property("flaky", `passed at attempt ${test.attempts?.length ?? 1}`);
  if (test.id !== undefined) testCase.property("id", test.id);
  if (outcome.kind === "passed") return;
  const reason = clean(outcome.reason);
  const evidence = failure?.report ? `\n\n${clean(consoleText(failure.report))}` : "";
  const [firstLine = ""] = reason.split("\n");
  if (outcome.kind === "never-ran") testCase.skipped();
  else if (outcome.kind === "failed")
    testCase.failure(firstLine, "failed").stacktrace(`${reason}${evidence}`);
  else testCase.error(`${outcomeWords(outcome.kind)}: ${firstLine}`, outcome.kind, `${reason}${evidence}`);
  testCase.standardOutput(clean(failureText(test, cwd)));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const notInXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** XML 1.0 has no room for control characters, not even as entities, and a block of text for its own end. */
function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll(notInXml, "").replaceAll("]]>", "]] >");
}
