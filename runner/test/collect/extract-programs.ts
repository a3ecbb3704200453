// SPDX-License-Identifier: MIT
// Reads a spec without running it and finds the programs it will load, so that they can be compiled before any test starts: string
// arguments of `….load("name")`, and templates of `rex` without substitutions. What is not
// recognised here compiles when the test asks for it; nothing is lost but time.
import { relative } from "node:path";
import { parseSync } from "oxc-parser";
import { RexTestError } from "../../support/errors.ts";
import { fixtureSource } from "../programs/fixtures.ts";
import type { CompilableSource, ProgramOrigin, ProgramSource } from "../programs/source.ts";
import { isPlainKind, type ProgramOptions, rex } from "../programs/templates.ts";

export interface ExtractedProgram {
  readonly source: CompilableSource;
  readonly origin: ProgramOrigin;
}

export type Extraction =
  | { readonly ok: true; readonly programs: readonly ExtractedProgram[] }
  | { readonly ok: false; readonly error: RexTestError };

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** The programs in the text of a spec file, or its syntax errors. */
export function extractPrograms(file: string, text: string): Extraction {
  const parsed = parseSync(file, text, { lang: "ts" });
  const [firstError] = parsed.errors;
  if (firstError !== undefined) {
    const error = new RexTestError(
      `${relative(process.cwd(), file)} is not TypeScript: ${firstError.message}`,
      {
        outcome: "failure",
        where: positionOf(text, firstError.labels[0]?.start ?? 0, file),
        detail: firstError.codeframe ?? undefined,
      },
    );
    return { ok: false, error };
  }
  const programs: ExtractedProgram[] = [];
  visit(parsed.program, (node) => {
    const source = sourceOf(node, file);
    if (source === undefined || source.kind === "object") return;
    programs.push({ source, origin: { file, line: lineOf(text, templateStart(node)) } });
  });
  return { ok: true, programs };
}

function sourceOf(node: Node, file: string): ProgramSource | undefined {
  try {
    if (node.type === "TaggedTemplateExpression") return templateSource(node);
    if (node.type === "CallExpression") return loadSource(node, file);
    return undefined;
  } catch (error) {
    // A mistake in a program is the test's to report, when it runs.
    if (error instanceof RexTestError) return undefined;
    throw error;
  }
}

/** rex.kprobe({ function: "…" })`…` */
function templateSource(node: Node): ProgramSource | undefined {
  const { tag, quasi } = node;
  if (!isNode(tag) || tag.type !== "CallExpression" || !isNode(quasi)) return undefined;
  const method = memberOf(tag.callee);
  const argument = first(tag.arguments);
  const raw = plainText(quasi);
  if (method?.object !== "rex" || argument === undefined || raw === undefined) return undefined;
  const strings = Object.assign([raw], { raw: [raw] });
  if (method.property === "program") {
    const name = stringOf(argument);
    const more = argumentAt(tag.arguments, 1);
    const options = more === undefined ? {} : literalObject(more);
    if (name === undefined || options === undefined) return undefined;
    return rex.program(name, options as ProgramOptions)(strings);
  }
  const options = literalObject(argument);
  if (options === undefined) return undefined;
  const name = options["name"] === undefined ? {} : { name: options["name"] };
  if (method.property === "kprobe" && options["function"] !== undefined) {
    return rex.kprobe({ function: options["function"], ...name })(strings);
  }
  if (isPlainKind(method.property)) return rex[method.property](name)(strings);
  if (method.property === "tracepoint" && options["context"] !== undefined) {
    const event = options["event"] === undefined ? {} : { event: options["event"] };
    return rex.tracepoint({ context: options["context"], ...event, ...name })(strings);
  }
  return undefined;
}

/** t.load("hello"), t.compile("hello") */
function loadSource(node: Node, file: string): ProgramSource | undefined {
  const method = memberOf(node["callee"]);
  if (method === undefined || (method.property !== "load" && method.property !== "compile")) return undefined;
  const argument = first(node["arguments"]);
  const name = argument === undefined ? undefined : stringOf(argument);
  return name === undefined ? undefined : fixtureSource(name, file);
}

function memberOf(callee: unknown): { object: string | undefined; property: string } | undefined {
  if (!isNode(callee) || callee.type !== "MemberExpression" || callee["computed"] === true) return undefined;
  const { object, property } = callee;
  if (!isNode(property) || typeof property["name"] !== "string") return undefined;
  const owner = isNode(object) && typeof object["name"] === "string" ? object["name"] : undefined;
  return { object: owner, property: property["name"] };
}

/** The raw text of a template literal without substitutions. */
function plainText(quasi: Node): string | undefined {
  const quasis = quasi["quasis"];
  if (!Array.isArray(quasis) || quasis.length !== 1) return undefined;
  const value: unknown = quasis[0]?.value;
  return typeof value === "object" && value !== null && "raw" in value && typeof value.raw === "string"
    ? value.raw
    : undefined;
}

/** { key: "text" } with nothing but string values. */
function literalObject(node: Node): Record<string, string> | undefined {
  const properties = node["properties"];
  if (node.type !== "ObjectExpression" || !Array.isArray(properties)) return undefined;
  const result: Record<string, string> = {};
  for (const property of properties as unknown[]) {
    if (
      !isNode(property) ||
      property.type !== "Property" ||
      !isNode(property["key"]) ||
      !isNode(property["value"])
    )
      return undefined;
    const key = property["key"]["name"] ?? property["key"]["value"];
    const value = stringOf(property["value"]);
    if (typeof key !== "string" || value === undefined) return undefined;
    result[key] = value;
  }
  return result;
}

function stringOf(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  return node.type === "TemplateLiteral" ? plainText(node) : undefined;
}

function first(list: unknown): Node | undefined {
  return argumentAt(list, 0);
}

function argumentAt(list: unknown, at: number): Node | undefined {
  const item: unknown = Array.isArray(list) ? list[at] : undefined;
  return isNode(item) ? item : undefined;
}

function templateStart(node: Node): number {
  return isNode(node["quasi"]) ? node["quasi"].start : node.start;
}

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, enter);
  } else if (typeof value === "object" && value !== null) {
    if (isNode(value)) enter(value);
    for (const child of Object.values(value)) visit(child, enter);
  }
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "start" in value
  );
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function positionOf(text: string, offset: number, file: string): string {
  const before = text.slice(0, offset).split("\n");
  return `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
