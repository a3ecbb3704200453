// SPDX-License-Identifier: MIT
// Declarations as Markdown.
import type { Declaration } from "./declarations.ts";
import type { Page } from "./pages.ts";

export function renderPage(page: Page, declarations: ReadonlyMap<string, readonly Declaration[]>): string {
  const sections = page.names.map((name) => renderSection(name, declarations.get(name) ?? []));
  const head = [
    "<!-- Made by scripts/reference.ts out of the docstrings: edit those. -->",
    `# ${page.title}`,
    page.about,
  ];
  return `${[...head, ...sections].join("\n\n")}\n`;
}

/** A function with overloads is several declarations. */
function renderSection(name: string, declared: readonly Declaration[]): string {
  const docs = declared.map(({ doc }) => doc).filter((doc) => doc !== "");
  const code = declared.map((declaration) => declaration.code).join("\n");
  return [`## ${name}`, ...docs.map(renderDoc), `\`\`\`ts\n${code}\n\`\`\``].join("\n\n");
}

/** Lines of a paragraph are one line; what follows @example is code. */
function renderDoc(doc: string): string {
  const [prose = "", ...examples] = doc.split(/^@example[ \t]*\n?/m);
  const paragraphs = prose
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll("\n", " "));
  const codes = examples.map((example) => `\`\`\`ts\n${example.trim()}\n\`\`\``);
  return [...paragraphs, ...codes].join("\n\n");
}
