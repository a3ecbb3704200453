// SPDX-License-Identifier: MIT
// Declarations with their docstrings, out of a .d.ts file that the compiler made. It has resolved and checked all types by then;
// what is left to do is to find things by name.
import { type Comment, parseSync, type Statement } from "oxc-parser";
import { RexTestError } from "../../runner/support/errors.ts";

export interface Declaration {
  readonly name: string;
  /** Text of the docstring, without its stars. */
  readonly doc: string;
  /** TypeScript, without what a user can't call: constructors and private parts. */
  readonly code: string;
}

export interface ReExport {
  /** "*" for all that the other declares. */
  readonly name: string;
  /** Of the module, as it is written. */
  readonly from: string;
}

/** The names that a module passes on from others. */
export function reExports(file: string, text: string): ReExport[] {
  return parsed(file, text).body.flatMap((statement) => {
    if (statement.type === "ExportAllDeclaration") return [{ name: "*", from: statement.source.value }];
    if (statement.type !== "ExportNamedDeclaration" || statement.source === null) return [];
    const from = statement.source.value;
    return statement.specifiers.flatMap(({ exported }) =>
      exported.type === "Identifier" ? [{ name: exported.name, from }] : [],
    );
  });
}

/** What a module declares, also in what it adds to other modules. */
export function declarations(file: string, text: string): Declaration[] {
  const { body, comments } = parsed(file, text);
  const found: Declaration[] = [];
  for (const statement of body.flatMap(inModules)) {
    const inner = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    const name = inner === null ? undefined : nameOf(inner);
    if (inner === null || name === undefined) continue;
    const doc = docBefore(statement.start, text, comments);
    found.push({ name, doc, code: codeOf(inner, text, comments) });
  }
  return found;
}

function parsed(file: string, text: string): { body: readonly Statement[]; comments: readonly Comment[] } {
  const { program, comments, errors } = parseSync(file, text);
  if (errors[0]) throw new RexTestError(errors[0].message, { where: file });
  return { body: program.body as Statement[], comments };
}

/** `declare module "vitest" { … }` stands for what is in it. */
function inModules(statement: Statement): readonly Statement[] {
  if (statement.type !== "TSModuleDeclaration" || !statement.body) return [statement];
  return statement.body.body as Statement[];
}

function nameOf(statement: Statement): string | undefined {
  switch (statement.type) {
    case "VariableDeclaration": {
      const id = statement.declarations[0]?.id;
      return id?.type === "Identifier" ? id.name : undefined;
    }
    case "ClassDeclaration":
    case "TSDeclareFunction":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return statement.id?.name;
    default:
      return undefined;
  }
}

function docComment(start: number, text: string, comments: readonly Comment[]): Comment | undefined {
  return comments.findLast(
    (comment) =>
      comment.end <= start && text.slice(comment.end, start).trim() === "" && comment.type === "Block",
  );
}

function docBefore(start: number, text: string, comments: readonly Comment[]): string {
  const value = docComment(start, text, comments)?.value ?? "";
  return value
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
}

function codeOf(statement: Statement, text: string, comments: readonly Comment[]): string {
  let code = "";
  let at = statement.start;
  for (const [start, end] of hiddenParts(statement, text, comments)) {
    code += text.slice(at, start).trimEnd();
    at = end;
  }
  code += text.slice(at, statement.end);
  // What stands in a module is indented as a whole; a step of the compiler's is four blanks, of ours two.
  const depth = text.slice(text.lastIndexOf("\n", statement.start) + 1, statement.start).search(/\S|$/);
  const outdented = depth === 0 ? code : code.replaceAll(new RegExp(`^ {${depth}}`, "gm"), "");
  return outdented
    .replace(/^declare /, "")
    .replaceAll(/^( {4})+/gm, (indent) => " ".repeat(indent.length / 2));
}

function hiddenParts(
  statement: Statement,
  text: string,
  comments: readonly Comment[],
): (readonly [number, number])[] {
  if (statement.type !== "ClassDeclaration") return [];
  return statement.body.body.flatMap((member) => {
    const isHidden =
      (member.type === "PropertyDefinition" && member.key.type === "PrivateIdentifier") ||
      ("kind" in member && member.kind === "constructor");
    if (!isHidden) return [];
    return [[docComment(member.start, text, comments)?.start ?? member.start, member.end] as const];
  });
}
