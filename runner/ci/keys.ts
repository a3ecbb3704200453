// SPDX-License-Identifier: MIT
// Keys for the caches of a CI service: each a digest of everything that decides what is in the cache, so that one that is found
// can be used as it is. They are known before anything is installed.
import { createHash } from "node:crypto";
import { glob, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { findDistribution } from "../doctor/machine.ts";
import { repositoryRoot } from "../kernel/repository.ts";
import { type CacheSection, cachePath } from "../support/cache.ts";

export interface CacheKey {
  readonly name: "kernel" | "rust" | "programs";
  /** Sections of our cache that go into it. */
  readonly sections: readonly CacheSection[];
  readonly key: string;
  /** An older cache whose key begins so is better than none: what is in it is named by content. */
  readonly prefix: string;
}

const kernelFiles = ["kernel/pins.json", "kernel/{configs,sources,hooks}/**", "runner/kernel/*.ts"];
const rustFiles = ["rex-crate/**", "runner/doctor/*.ts"];
const programFiles = ["**/*.spec.ts", "**/*.rs", "**/Cargo.toml"];

export async function cacheKeys(project: string, config = "default"): Promise<readonly CacheKey[]> {
  // Compilers come with the distribution.
  const { title } = await findDistribution();
  const kernel = await digest([title, config], repositoryRoot, kernelFiles);
  const rust = await digest([title], repositoryRoot, rustFiles);
  const programs = await digest([kernel, rust], project, programFiles);
  const make = (name: CacheKey["name"], key: string, ...sections: CacheSection[]): CacheKey => {
    // A config may be the path of a file; the comma is the one character that a key can't have.
    const kernelName = `kernel-${config.replaceAll(/[^\w.-]/g, "_")}`;
    const prefix = `rex-test-${name === "kernel" ? kernelName : name}-`;
    return { name, sections, key: `${prefix}${key}`, prefix };
  };
  return [
    make("kernel", kernel, "kernels", "ccache"),
    make("rust", rust, "rust", "debs"),
    make("programs", programs, "programs", "refusals"),
  ];
}

/** Lines for $GITHUB_OUTPUT; several folders are a text of several lines. */
export function asOutputs(keys: readonly CacheKey[]): string {
  const lines = keys.flatMap(({ name, key, prefix, sections }) => [
    `${name}-key=${key}`,
    `${name}-prefix=${prefix}`,
    `${name}-folders<<END`,
    ...sections.map((section) => cachePath(section)),
    "END",
  ]);
  return `${lines.join("\n")}\n`;
}

async function digest(words: readonly string[], root: string, patterns: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(words));
  const skipped = new Set(["node_modules", "target", "artifacts", ".git", ".rex-cache"]);
  const files: string[] = [];
  const found = glob([...patterns], {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => skipped.has(entry.name),
  });
  for await (const entry of found) {
    if (entry.isFile() && !basename(entry.name).endsWith(".test.ts"))
      files.push(join(entry.parentPath, entry.name));
  }
  for (const file of files.sort()) {
    const text = await readFile(file);
    hash.update(`${file.slice(root.length)}\0${text.length}\0`).update(text);
  }
  return hash.digest("hex").slice(0, 16);
}
