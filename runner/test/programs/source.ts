// SPDX-License-Identifier: MIT
// A program as a spec names it, before it is compiled. Plain data, because it travels between processes.
import { createHash } from "node:crypto";

/** A level of optimisation other than the usual one, which is 2. */
export type OptLevel = "0" | "1" | "3" | "s";
export const optLevels: readonly OptLevel[] = ["0", "1", "3", "s"];

export type ProgramSource =
  /** A complete main.rs. */
  | {
      readonly kind: "inline";
      readonly name: string;
      readonly text: string;
      /** If not as usual. */
      readonly optLevel?: OptLevel;
    }
  /** A file or a cargo project. */
  | { readonly kind: "fixture"; readonly name: string; readonly path: string }
  /** Bytes that are handed to the loader as they are. */
  | { readonly kind: "object"; readonly name: string; readonly base64: string };

export type CompilableSource = Exclude<ProgramSource, { kind: "object" }>;

/** Where in a spec a program was written: for the messages of the compiler. */
export interface ProgramOrigin {
  readonly file: string;
  /** Line that line 1 of the program is on, from 1. */
  readonly line: number;
}

/** The same program has the same id, wherever and however often it is written. */
export function sourceId(source: CompilableSource): string {
  const parts =
    source.kind === "inline"
      ? [source.name, source.text, ...(source.optLevel === undefined ? [] : [source.optLevel])]
      : [source.name, source.path];
  return createHash("sha256")
    .update(JSON.stringify([source.kind, ...parts]))
    .digest("hex")
    .slice(0, 20);
}
