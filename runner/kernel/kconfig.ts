// SPDX-License-Identifier: MIT
// Tells why an option did not stick: reads its Kconfig entry and says which of the conditions are not met. It sees the conditions
// written in the entry's own file (its `depends on` lines and the `if` and `menu` blocks around it); those of files
// that include that file are beyond it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess } from "../support/process.ts";
import type { Mismatch, Settings } from "./fragment.ts";

export interface Definition {
  readonly line: number;
  /** Conditions that must all hold. */
  readonly conditions: readonly string[];
  /** Without a prompt nobody can set it; only other options' `select` do. */
  readonly hasPrompt: boolean;
}

interface Block {
  readonly kind: "if" | "menu" | "choice";
  readonly conditions: string[];
}

/** The definitions of a symbol in the text of a Kconfig file. */
export function findDefinitions(text: string, symbol: string): Definition[] {
  const definitions: Definition[] = [];
  const blocks: Block[] = [];
  let current: { line: number; conditions: string[]; hasPrompt: boolean } | undefined;
  let heading: Block | undefined;
  const close = () => {
    if (current) definitions.push(current);
    current = undefined;
    heading = undefined;
  };
  let helpIndent: number | "next" | undefined;
  for (const [index, raw] of joinContinuations(text).entries()) {
    const line = raw.trim();
    // A help text is prose, and may well start a line with "if". It ends where the indentation does.
    if (helpIndent !== undefined && line !== "") {
      const indent = indentOf(raw);
      if (helpIndent === "next") helpIndent = indent;
      if (indent > 0 && indent >= helpIndent) continue;
      helpIndent = undefined;
    }
    if (line === "help" || line === "---help---") {
      helpIndent = "next";
      continue;
    }
    const start = /^(?:menu)?config\s+(\w+)/.exec(line);
    const condition = /^if\s+(.+)$/.exec(line)?.[1];
    if (start) {
      close();
      if (start[1] === symbol) {
        current = {
          line: index + 1,
          conditions: blocks.flatMap((block) => block.conditions),
          hasPrompt: false,
        };
      }
    } else if (condition !== undefined) {
      close();
      blocks.push({ kind: "if", conditions: [condition] });
    } else if (/^(menu\s+"|choice\b)/.test(line)) {
      close();
      heading = { kind: line.startsWith("menu") ? "menu" : "choice", conditions: [] };
      blocks.push(heading);
    } else if (/^(endif|endmenu|endchoice)\b/.test(line)) {
      close();
      blocks.pop();
    } else if (/^(source|comment)\b/.test(line)) {
      close();
    } else {
      const dependency = /^depends on\s+(.+)$/.exec(line)?.[1];
      if (dependency !== undefined) (current ?? heading)?.conditions.push(dependency);
      if (current && /^(prompt\s|(bool|tristate|int|hex|string)\s+")/.test(line)) current.hasPrompt = true;
    }
  }
  close();
  return definitions;
}

function indentOf(line: string): number {
  return (/^\s*/.exec(line)?.[0] ?? "").replaceAll("\t", "        ").length;
}

/** Lines that end in a backslash go on; the numbers of the others stay what they are. */
function joinContinuations(text: string): string[] {
  const lines: string[] = [];
  let carried = "";
  for (const line of text.split("\n")) {
    if (line.endsWith("\\")) {
      carried += `${line.slice(0, -1)} `;
      lines.push("");
    } else {
      lines.push(carried + line.replace(/\s#.*$/, ""));
      carried = "";
    }
  }
  return lines;
}

/** Whether a Kconfig condition holds; undefined when it uses what this does not understand (comparisons, macros). */
export function evaluate(condition: string, settings: Settings): boolean | undefined {
  if (/[=<>$"]/.test(condition)) return undefined;
  const tokens = condition.match(/\w+|&&|\|\||[!()]/g) ?? [];
  let position = 0;
  const primary = (): boolean => {
    const token = tokens[position++];
    if (token === "!") return !primary();
    if (token === "(") {
      const value = either();
      position += 1;
      return value;
    }
    if (token === "y" || token === "m" || token === "n") return token !== "n";
    return (settings.get(token ?? "") ?? "n") !== "n";
  };
  const both = (): boolean => {
    let value = primary();
    while (tokens[position] === "&&") {
      position += 1;
      const right = primary();
      value = value && right;
    }
    return value;
  };
  const either = (): boolean => {
    let value = both();
    while (tokens[position] === "||") {
      position += 1;
      const right = both();
      value = value || right;
    }
    return value;
  };
  return either();
}

/** One line per option: what was wanted, what came out, and the unmet condition where it can be told. */
export async function explainMismatch(tree: string, mismatch: Mismatch, got: Settings): Promise<string> {
  const head = `CONFIG_${mismatch.symbol}: wanted ${mismatch.wanted}, got ${mismatch.got === "n" ? "not set" : mismatch.got}`;
  const grep = await runProcess(
    "grep",
    [
      "-rlE",
      "--include=Kconfig*",
      `^[[:space:]]*(menu)?config[[:space:]]+${mismatch.symbol}[[:space:]]*$`,
      ".",
    ],
    { cwd: tree, timeoutMs: 30_000 },
  );
  const files = grep.stdout
    .split("\n")
    .filter((file) => file !== "")
    .map((file) => file.replace(/^\.\//, ""));
  // Another architecture's file may define the same symbol.
  const relevant = files.filter((file) => !file.startsWith("arch/") || file.startsWith("arch/x86/"));
  if (relevant.length === 0) return `${head}; this kernel has no such option`;
  const reasons: string[] = [];
  for (const file of relevant) {
    for (const definition of findDefinitions(await readFile(join(tree, file), "utf8"), mismatch.symbol)) {
      const reason = explainDefinition(definition, mismatch, got);
      if (reason) reasons.push(`${reason} (${file}:${definition.line})`);
    }
  }
  return reasons.length > 0 ? `${head}; ${reasons.join("; ")}` : `${head}; defined in ${relevant.join(", ")}`;
}

function explainDefinition(definition: Definition, mismatch: Mismatch, got: Settings): string | undefined {
  if (mismatch.wanted === "n") return "another option selects it, or it has no prompt";
  const unmet = definition.conditions.filter((condition) => evaluate(condition, got) === false);
  if (unmet.length > 0)
    return `needs ${unmet.map((condition) => describeCondition(condition, got)).join(" and ")}`;
  if (!definition.hasPrompt) return "it has no prompt: only options that select it turn it on";
  return undefined;
}

function describeCondition(condition: string, got: Settings): string {
  const off = [...new Set(condition.match(/\b[A-Z0-9_]*[A-Z][A-Z0-9_]*\b/g) ?? [])].map(
    (symbol) => `${symbol} is ${got.get(symbol) ?? "not set"}`,
  );
  return `${condition} (${off
    .join(", ")
    .replaceAll(" is n,", " is not set,")
    .replace(/ is n$/, " is not set")})`;
}
