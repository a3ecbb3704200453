// SPDX-License-Identifier: MIT
// docs/command-line.md knows every command, and knows every flag or names the page that does.
import { readdir, readFile } from "node:fs/promises";
import type { Command } from "commander";
import { expect, test } from "vitest";

const folder = new URL("commands/", import.meta.url);

const docs = new URL("../../docs/", import.meta.url);

/** The part of the page that is about a command, and the pages that it sends the reader to. */
async function textAbout(name: string): Promise<string> {
  const page = await readFile(new URL("command-line.md", docs), "utf8");
  const sections = page.split(/^(?=## )/m);
  const section = sections.find((one) => one.startsWith(`## \`rex-test ${name}\`\n`)) ?? "";
  const others = [...section.matchAll(/\]\(([\w/-]+\.md)/g)].map(([, path = ""]) =>
    readFile(new URL(path, docs), "utf8"),
  );
  return section === "" ? "" : [section, ...(await Promise.all(others))].join("\n");
}

function flagsOf(command: Command): readonly string[] {
  const own = command.options.map(({ long }) => long ?? "");
  return [...own, ...command.commands.flatMap((child) => [...flagsOf(child), ` ${child.name()}`])];
}

const names = (await readdir(folder))
  .filter((name) => /^[a-z]+\.ts$/.test(name))
  .map((name) => name.slice(0, -3));

// The modules of commands are large, and the first of them loads what all have in common.
test.each(names)("rex-test %s", { timeout: 120_000 }, async (name) => {
  const { command } = (await import(`./commands/${name}.ts`)) as { readonly command: Command };
  const text = await textAbout(name);
  expect(text).not.toBe("");
  expect(flagsOf(command).filter((flag) => !text.includes(flag))).toEqual([]);
});
