// SPDX-License-Identifier: MIT
// Writes docs/reference out of the public API's docstrings; with --check says which pages are not current.
import { glob, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { $ } from "zx";
import { describeError, RexTestError } from "../runner/support/errors.ts";
import { type Declaration, declarations, reExports } from "./reference/declarations.ts";
import { matcherNames, pages } from "./reference/pages.ts";
import { renderPage } from "./reference/render.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const outputFolder = join(root, "docs/reference");

/** Everything that can be reached, by name; `types` is what the compiler made of the sources. */
async function publicApi(types: string): Promise<Map<string, Declaration[]>> {
  const index = join(types, "runner/index.d.ts");
  const wanted = new Map<string, Set<string>>([
    [join(types, "runner/test/matchers/index.d.ts"), new Set(matcherNames)],
  ]);
  for (const { name, from } of reExports(index, await readFile(index, "utf8"))) {
    const file = resolve(dirname(index), from).replace(/\.ts$/, ".d.ts");
    wanted.set(file, (wanted.get(file) ?? new Set()).add(name));
  }
  const api = new Map<string, Declaration[]>();
  for (const [file, names] of wanted) {
    for (const declaration of await declarationsOf(file)) {
      if (!names.has(declaration.name) && !names.has("*")) continue;
      api.set(declaration.name, [...(api.get(declaration.name) ?? []), declaration]);
    }
    for (const name of names) {
      if (name !== "*" && !api.has(name))
        throw new RexTestError(`${name} is not declared where it comes from`, {
          where: relative(types, file),
        });
    }
  }
  return api;
}

/** Also of what the module passes on under the same name. */
async function declarationsOf(file: string): Promise<Declaration[]> {
  const text = await readFile(file, "utf8");
  const imported = [...text.matchAll(/^import \{([^}]*)\} from "(\.[^"]*)\.ts";$/gm)];
  const passedOn = [...text.matchAll(/^export type \{ (\w+) \};$/gm)].map(([, name]) => name ?? "");
  const found = declarations(file, text);
  for (const name of passedOn) {
    const from = imported.find(([, names]) => new RegExp(`\\b${name}\\b`).test(names ?? ""))?.[2];
    if (from !== undefined) found.push(...(await declarationsOf(`${resolve(dirname(file), from)}.d.ts`)));
  }
  return found;
}

function checkPlaces(api: ReadonlyMap<string, unknown>): void {
  const placed = pages.flatMap(({ names }) => names);
  const missing = [...api.keys()].filter((name) => !placed.includes(name));
  const gone = placed.filter((name) => !api.has(name));
  if (missing.length === 0 && gone.length === 0) return;
  throw new RexTestError("the pages of the reference don't fit what runner/index.ts exports", {
    where: "scripts/reference/pages.ts",
    detail: [
      ...missing.map((name) => `on no page: ${name}`),
      ...gone.map((name) => `not exported: ${name}`),
    ].join("\n"),
  });
}

/** Types of ours that a user meets in the public API, and can't name because nothing exports them. */
async function checkNameable(api: ReadonlyMap<string, readonly Declaration[]>, types: string): Promise<void> {
  const ours = new Set<string>();
  for await (const file of glob("**/*.d.ts", { cwd: types }))
    for (const { name } of declarations(file, await readFile(join(types, file), "utf8"))) ours.add(name);
  const met = [...api.values()].flat().flatMap(({ code }) => wordsOf(code));
  const lacking = new Set(met.filter((word) => ours.has(word) && !api.has(word)));
  if (lacking.size === 0) return;
  throw new RexTestError(`the public API uses what it does not export: ${[...lacking].join(", ")}`, {
    where: "runner/index.ts",
  });
}

/** Names of types, as far as they begin with a capital. */
function wordsOf(code: string): readonly string[] {
  return code.replaceAll(/\/\*[\s\S]*?\*\/|"[^"\n]*"/g, "").match(/\b[A-Z]\w+\b/g) ?? [];
}

async function main(check: boolean): Promise<void> {
  const types = await mkdtemp(join(tmpdir(), "rex-reference-"));
  try {
    await $({ cwd: root, quiet: true })`tsc -p tsconfig.types.json --outDir ${types}`;
    const api = await publicApi(types);
    checkPlaces(api);
    await checkNameable(api, types);
    for (const page of pages) {
      const path = join(outputFolder, page.file);
      const text = renderPage(page, api);
      if (!check) await writeFile(path, text);
      else if ((await readFile(path, "utf8").catch(() => "")) !== text) {
        console.log(`docs/reference/${page.file} is not current: node scripts/reference.ts`);
        process.exitCode = 1;
      }
    }
  } finally {
    await rm(types, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.includes("--check"));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}
