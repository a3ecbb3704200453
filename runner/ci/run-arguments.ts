// SPDX-License-Identifier: MIT
// What `rex-test run` is called with in CI: every report that somebody may want to look at, beside the log.
import { join } from "node:path";
import { splitWords } from "./words.ts";

export interface CiWish {
  readonly paths: readonly string[];
  readonly config?: string | undefined;
  readonly kernelTree?: string | undefined;
  readonly shard?: string | undefined;
  /** Further flags, as one would type them. */
  readonly arguments?: string | undefined;
  /** Folder for the reports. */
  readonly reports: string;
}

export function runArguments(wish: CiWish): readonly string[] {
  const { config, kernelTree, shard, reports } = wish;
  const given = (flag: string, value: string | undefined) => (value ? [flag, value] : []);
  const reporters = [
    "pretty",
    "github",
    `html=${join(reports, "report.html")}`,
    `junit=${join(reports, "junit.xml")}`,
    `jsonl=${join(reports, "events.jsonl")}`,
  ];
  return [
    ...given("--config", config),
    ...given("--kernel-tree", kernelTree),
    ...given("--shard", shard),
    ...reporters.flatMap((reporter) => ["--reporter", reporter]),
    ...splitWords(wish.arguments ?? ""),
    ...wish.paths,
  ];
}

/** The default kernel has to be built; those with a config or a tree of their own `run` builds itself. */
export function needsDefaultKernel({ config, kernelTree, arguments: more }: CiWish): boolean {
  if (config || kernelTree || process.env["REX_TEST_KERNEL"]) return false;
  return !splitWords(more ?? "").some((word) => /^--(kernel|config|kernel-tree)(=|$)/.test(word));
}
