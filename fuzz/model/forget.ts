// SPDX-License-Identifier: MIT
// Trees without what refers to something that is gone: statements that do go as well, of expressions a zero is left.
import { type Expr, type Stmt, typeOf } from "./ast.ts";
import { nodesOf } from "./facts.ts";
import { isBlockKey, isOtherKey } from "./places.ts";
import type { Type } from "./types.ts";

/** Whether a statement or expression itself refers to what is gone, whatever is in it. */
export type IsUse = (node: Expr | Stmt) => boolean;

/** Where no zero can stand nothing is changed: what comes of it is not well-typed. */
export function withoutUses<T>(tree: T, isUse: IsUse): T {
  return pruned(tree, undefined, isUse) as T;
}

function pruned(tree: unknown, key: string | undefined, isUse: IsUse): unknown {
  if (typeof tree !== "object" || tree === null || (key !== undefined && isOtherKey(key))) return tree;
  if (Array.isArray(tree)) {
    const isBlock = key === undefined || isBlockKey(key);
    const kept = isBlock ? tree.filter((stmt: Stmt) => !isUse(stmt)) : tree;
    const parts = kept.map((part: unknown) => (isBlock ? inside(part, isUse) : pruned(part, "", isUse)));
    return parts.length === tree.length && parts.every((part, at) => part === tree[at]) ? tree : parts;
  }
  if ("kind" in tree && isUse(tree as Expr)) {
    const type = typeOf(tree as Expr);
    if (type?.kind === "int" || type?.kind === "bool") return zero(type);
  }
  return inside(tree, isUse);
}

function inside(node: unknown, isUse: IsUse): unknown {
  if (typeof node !== "object" || node === null) return node;
  let isSame = true;
  const parts = Object.entries(node).map(([name, part]) => {
    const left = pruned(part, name, isUse);
    isSame &&= left === part;
    return [name, left];
  });
  return isSame ? node : Object.fromEntries(parts);
}

/** Of variables, and of what is held by a name. */
export function usesNames(isGone: (name: string) => boolean): IsUse {
  return (node) => {
    const name = usedName(node);
    return name !== undefined && isGone(name);
  };
}

function usedName(node: Expr | Stmt): string | undefined {
  switch (node.kind) {
    case "var":
    case "lockedGet":
    case "assign":
    case "compound":
    case "lockedSet":
      return node.name;
    case "index":
    case "chain":
    case "assignIndex":
      return node.array;
    case "field":
    case "assignField":
      return node.value;
    case "byteAt":
    case "byteCount":
    case "convert":
    case "byteSet":
    case "byteFill":
    case "convertSet":
      return node.source.kind === "packet" ? undefined : node.source.name;
    default:
      return undefined;
  }
}

export function needsPacket(node: Expr | Stmt): boolean {
  switch (node.kind) {
    case "header":
    case "headerSet":
    case "adjust":
    case "checksum":
      return true;
    case "byteAt":
    case "byteCount":
    case "convert":
    case "byteSet":
    case "byteFill":
    case "convertSet":
      return node.source.kind === "packet";
    default:
      return false;
  }
}

export function usesFn(index: number): IsUse {
  return (node) => (node.kind === "call" || node.kind === "dive") && node.fn === index;
}

export function usesOp(index: number): IsUse {
  return (node) => node.kind === "dyn" && node.objects.some(({ op }) => op === index);
}

/** Of a struct or an enum: values of it, and what is made of them. */
export function usesType(kind: "struct" | "enum", id: number): IsUse {
  return (node) =>
    (node.kind === "let" && node.type.kind === kind && node.type.id === id) ||
    (kind === "enum" && node.kind === "matchEnum" && node.id === id);
}

/** Functions, objects and types of the program. */
export function needsDefinitions(node: Expr | Stmt): boolean {
  switch (node.kind) {
    case "call":
    case "dive":
    case "dyn":
    case "matchEnum":
      return true;
    case "let":
      return node.type.kind === "struct" || node.type.kind === "enum";
    default:
      return false;
  }
}

/** Names that are declared somewhere in a tree. */
export function namesIn(tree: unknown): string[] {
  return [...nodesOf(tree)].flatMap((node) => namesOf(node as Expr | Stmt));
}

function namesOf(node: Expr | Stmt): readonly string[] {
  switch (node.kind) {
    case "let":
    case "for":
    case "lock":
    case "hold":
    case "crowd":
    case "noisy":
      return [node.name];
    case "record":
      // A source of bytes has the kind, too.
      return "body" in node ? [node.name] : [];
    case "closure":
      return [node.param];
    case "matchEnum":
      return node.arms.flatMap(({ binds }) => binds);
    case "chain": {
      const { steps, end } = node;
      const own = end.kind === "fold" ? [end.accumulator, end.param] : [];
      return [...steps.map(({ param }) => param), ...own];
    }
    default:
      return [];
  }
}

export function zero(type: Type): Expr {
  return type.kind === "int" ? { kind: "int", type, value: "0" } : { kind: "bool", value: false };
}
