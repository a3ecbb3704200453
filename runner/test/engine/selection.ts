// SPDX-License-Identifier: MIT
// Which of the collected tests are wanted: by name, by tag, by how the last run ended, and of those one part of several.
import { RexTestError } from "../../support/errors.ts";
import { tagPattern } from "../worker/options.ts";
import type { Filter } from "./settings.ts";

export interface TagFilter {
  readonly text: string;
  /** A test has to have one of these, if there are any. */
  readonly any: readonly string[];
  /** And none of these. */
  readonly none: readonly string[];
}

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

export interface TestName {
  /** Relative to the folder that the run was started in. */
  readonly file: string;
  readonly name: string;
}

export interface Selection {
  readonly filter?: Filter | undefined;
  readonly tags?: TagFilter | undefined;
  /** Only these; `name` is absent for a whole file. */
  readonly among?: readonly { readonly file: string; readonly name?: string | undefined }[] | undefined;
  readonly shard?: Shard | undefined;
}

/** "a,b,!c": tests with the tag a or b, and without c. */
export function parseTags(text: string): TagFilter {
  const words = text.split(",").map((word) => word.trim());
  const bad = words.find((word) => !tagPattern.test(word.replace(/^!/, "")));
  if (bad !== undefined)
    throw new RexTestError(`--tags ${text}: ${JSON.stringify(bad)} is not a tag`, {
      hint: "tags are joined by commas, with ! before those that a test may not have: --tags net,slow,!flaky",
    });
  return {
    text,
    any: words.filter((word) => !word.startsWith("!")),
    none: words.filter((word) => word.startsWith("!")).map((word) => word.slice(1)),
  };
}

/** "2/5" */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.count >= shard.index) return shard;
  throw new RexTestError(`--shard ${text} is not a part of a whole`, {
    hint: "--shard 2/5 runs the second of five parts, from 1/5 to 5/5",
  });
}

/**
 * The wanted ones, in the given order, which has to be the same on all machines that share the shards. Shards are dealt out test
 * by test, so that the tests of a long file are spread.
 */
export function select<T extends TestName & { readonly tags: readonly string[] }>(
  tests: readonly T[],
  selection: Selection,
): T[] {
  const wanted = tests.filter((test) => isWanted(test, selection));
  const { shard } = selection;
  return shard === undefined ? wanted : wanted.filter((_, at) => at % shard.count === shard.index - 1);
}

function isWanted(
  test: TestName & { readonly tags: readonly string[] },
  { filter, tags, among }: Selection,
): boolean {
  if (filter !== undefined && !filter.pattern.test(test.name)) return false;
  if (tags !== undefined) {
    if (tags.any.length > 0 && !tags.any.some((tag) => test.tags.includes(tag))) return false;
    if (tags.none.some((tag) => test.tags.includes(tag))) return false;
  }
  return (
    among === undefined ||
    among.some(({ file, name }) => file === test.file && (name === undefined || name === test.name))
  );
}

/** As the user gave them: "--filter oob --shard 1/2"; for the message that nothing matches. */
export function describeSelection({ filter, tags, among, shard }: Selection): string {
  return [
    filter && `--filter ${filter.text}`,
    tags && `--tags ${tags.text}`,
    among && "--last-failed",
    shard && `--shard ${shard.index}/${shard.count}`,
  ]
    .filter(Boolean)
    .join(" ");
}
