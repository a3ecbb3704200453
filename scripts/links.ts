// SPDX-License-Identifier: MIT
// Links between the repository's own documents: each names a file that there is, and a heading in it.
import { dirname, join, normalize } from "node:path";
import type { SourceFile } from "./source-rules.ts";

/** One line per link that leads nowhere. `present` knows files and folders by their paths. */
export function findBrokenLinks(files: readonly SourceFile[], present: (path: string) => boolean): string[] {
  const documents = new Map(
    files.filter(({ path }) => path.endsWith(".md")).map((file) => [file.path, file]),
  );
  const problems: string[] = [];
  for (const { path, text } of documents.values()) {
    for (const [, target = ""] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", heading] = target.split("#");
      const to = file === "" ? path : normalize(join(dirname(path), file)).replace(/\/$/, "");
      const document = documents.get(to);
      if (!present(to)) problems.push(`${path}: there is no ${to}`);
      else if (heading !== undefined && document && !headings(document.text).has(heading))
        problems.push(`${path}: ${to} has no heading #${heading}`);
    }
  }
  return problems;
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
}

/** As GitHub makes anchors of them. */
function headings(text: string): ReadonlySet<string> {
  const found = text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ +(.+)$/gm);
  return new Set(
    [...found].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
