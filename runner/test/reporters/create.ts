// SPDX-License-Identifier: MIT
// Makes the reporters of a run. All files are open when it returns, or none of them is.
import { LiveArea } from "../../support/live-area.ts";
import { type Destination, destinations, type ReporterChoice, reporterKinds } from "./choice.ts";
import { DotReporter } from "./dot.ts";
import { GithubReporter } from "./github.ts";
import { type NamedReporter, ReporterGroup } from "./group.ts";
import { HtmlReporter } from "./html/html.ts";
import { JsonlReporter } from "./jsonl.ts";
import { JunitReporter } from "./junit.ts";
import { KtapReporter } from "./ktap.ts";
import { FileOutput, type Output, streamOutput } from "./output.ts";
import { PrettyReporter } from "./pretty.ts";
import type { Reporter } from "./reporter.ts";
import { TapReporter } from "./tap.ts";

export function createReporters(choices: readonly ReporterChoice[], cwd: string): ReporterGroup {
  const wanted = destinations(choices, cwd);
  const outputs: Output[] = [];
  try {
    for (const destination of wanted) outputs.push(openOutput(destination));
  } catch (error) {
    for (const output of outputs) output.discard();
    throw error;
  }
  const members: NamedReporter[] = wanted.map(({ name }, index) => {
    const output = outputs[index] ?? streamOutput(process.stdout);
    return { name, reporter: create(name, output, cwd) };
  });
  // With nothing for people on the terminal there are still the lines of the pretty one, on stderr.
  if (!wanted.some(isForPeople)) {
    const reporter = pretty(streamOutput(process.stderr), cwd);
    members.unshift({ name: "pretty", reporter });
  }
  return new ReporterGroup(members);
}

function isForPeople({ name, path }: Destination): boolean {
  if (path !== undefined) return false;
  return name === "pretty" || name === "dot" || process.stdout.isTTY;
}

function openOutput({ name, path }: Destination): Output {
  if (path === undefined) return streamOutput(process.stdout);
  return new FileOutput(path, { mode: reporterKinds[name].mode, reporter: name });
}

function create(name: Destination["name"], output: Output, cwd: string): Reporter {
  switch (name) {
    case "pretty":
      return output.path === undefined ? pretty(output, cwd) : new PrettyReporter({ output, cwd });
    case "dot":
      return new DotReporter(output, cwd);
    case "tap":
      return new TapReporter(output);
    case "ktap":
      return new KtapReporter(output, cwd);
    case "github":
      return new GithubReporter({ output, cwd });
    case "jsonl":
      return new JsonlReporter(output);
    case "html":
      return new HtmlReporter(output, cwd);
    case "junit":
      return new JunitReporter(output, cwd);
  }
}

/** On the terminal: with live lines, and what is said about the run itself on stderr. */
function pretty(output: Output, cwd: string): PrettyReporter {
  const live = new LiveArea(process.stdout.isTTY ? process.stdout : process.stderr);
  const notice = (line: string) => console.error(line);
  return new PrettyReporter({ output, cwd, live, notice });
}
