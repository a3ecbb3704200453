// SPDX-License-Identifier: MIT
// As much YAML as diagnostics need: one mapping of names to texts, numbers, flags and lists of texts.
import { visible } from "../../support/format.ts";

export type YamlValue = string | number | boolean | readonly string[] | undefined;

/** Lines without indentation; what is undefined or empty is left out. */
export function yamlDocument(values: Readonly<Record<string, YamlValue>>): string {
  return Object.entries(values)
    .filter(
      ([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
    )
    .map(([key, value]) => entry(key, value))
    .join("\n");
}

function entry(key: string, value: YamlValue): string {
  if (typeof value === "string") return `${key}: ${scalar(value)}`;
  if (typeof value === "object") return [`${key}:`, ...value.map((item) => `  - ${quoted(item)}`)].join("\n");
  return `${key}: ${value}`;
}

/** A block for text of several lines, which is how people read it; quotes, in which nothing can go wrong, for the rest. */
function scalar(text: string): string {
  if (!text.includes("\n")) return quoted(text);
  const lines = visible(text.replaceAll("\r\n", "\n").trimEnd()).split("\n");
  // The indentation is told, because the first line may begin with blanks.
  return ["|2-", ...lines.map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

/** JSON's strings are YAML's, except for characters that YAML does not print. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
