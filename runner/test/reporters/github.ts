// SPDX-License-Identifier: MIT
// GitHub Actions: an annotation at the line that failed (workflow commands), and a summary of the job in Markdown.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
import { appendFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { formatDuration } from "../../support/format.ts";
import { outcomeWords } from "../outcome/outcome.ts";
import { markdownSummary } from "./github-summary.ts";
import type { Output } from "./output.ts";
import type { BrokenFile, Reporter, RunSummary, TestReport } from "./reporter.ts";

export interface GithubOptions {
  readonly output: Output;
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

interface Place {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

export class GithubReporter implements Reporter {
  readonly #output: Output;
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor({ output, cwd, env = process.env }: GithubOptions) {
    this.#output = output;
    this.#cwd = cwd;
    this.#env = env;
  }

  onTest(test: TestReport): void {
    const { outcome } = test.verdict;
    const title = `${test.file} > ${test.name}`;
    if (test.flaky) {
      const message = `flaky: it passed at attempt ${test.attempts?.length ?? 1}`;
      this.#command("warning", test, title, message);
    }
    if (outcome.kind === "passed") return;
    const level = outcome.kind === "never-ran" ? "notice" : "error";
    const words = outcomeWords(outcome.kind);
    const [first] = test.errors;
    const diff = first?.diff === undefined ? "" : `\n${first.diff}`;
    this.#command(level, placeOf(test), title, `${words}: ${outcome.reason}${diff}`);
  }

  onBrokenFile({ file, message, phase }: BrokenFile): void {
    const place = parsePlace(/[^\s:]+\.spec\.ts:\d+:\d+/.exec(message)?.[0]);
    const title = phase === "hooks" ? "hooks failed" : "the spec could not be loaded";
    this.#command("error", place?.file === file ? place : { file }, title, message);
  }

  onEnd(summary: RunSummary): void {
    for (const error of summary.stray)
      this.#command("error", parsePlace(error.at), "outside of any test", error.message);
    this.#output.finish();
    const path = this.#env["GITHUB_STEP_SUMMARY"];
    if (path)
      appendFileSync(
        path,
        markdownSummary(summary, (ms) => formatDuration(ms)),
      );
  }

  onFatal(message: string): void {
    this.#command("error", undefined, "rex-test", message);
    this.#output.finish();
  }

  #command(
    level: "error" | "warning" | "notice",
    place: Place | undefined,
    title: string,
    message: string,
  ): void {
    const properties = {
      // GitHub counts from the root of the checkout, which the run need not have been started in.
      file: place && this.#fromWorkspace(place.file),
      line: place?.line,
      col: place?.column,
      title,
    };
    const text = Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${escapeProperty(String(value))}`)
      .join(",");
    this.#output.write(`::${level} ${text}::${escapeData(message)}\n`);
  }

  #fromWorkspace(file: string): string {
    const workspace = this.#env["GITHUB_WORKSPACE"];
    return workspace ? relative(workspace, resolve(this.#cwd, file)) : file;
  }
}

/** Where the assertion stands, else where the test does. */
function placeOf({ file, line, errors }: TestReport): Place {
  return parsePlace(errors.find(({ at }) => at !== undefined)?.at) ?? { file, line };
}

function parsePlace(at: string | undefined): Place | undefined {
  const match = /^(.*):(\d+):(\d+)$/.exec(at ?? "");
  return match ? { file: match[1] ?? "", line: Number(match[2]), column: Number(match[3]) } : undefined;
}

/** What would end a command or its line. */
export function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** In a property colons and commas mean something, too. */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
