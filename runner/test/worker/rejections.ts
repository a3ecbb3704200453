// SPDX-License-Identifier: MIT
// A program that did not come as far as the kernel, or was not wanted there.
import { relative } from "node:path";
import type { ErrorBody } from "../../protocol/generated.ts";
import type { ProgramSource } from "../programs/source.ts";

/** The builder refused: rustc, a lint, the linker or the verifier of the finished object. */
export class CompilerRejection extends Error {
  override readonly name = "CompilerRejection";
  readonly stage: string;
  readonly rendered: string;

  constructor(source: ProgramSource, stage: string, rendered: string) {
    const what =
      source.kind === "fixture"
        ? relative(process.cwd(), source.path)
        : `the inline program "${source.name}"`;
    super(`${what} does not build (${stage})\n${rendered.trimEnd()}`);
    this.stage = stage;
    this.rendered = rendered;
  }
}

/** The kernel's loader refused, with an errno and a sentence. */
export class LoaderRejection extends Error {
  override readonly name = "LoaderRejection";
  readonly errnoName: string | undefined;
  /** The sentence that the kernel wrote to log_buf; empty when it wrote none. */
  readonly log: string;

  constructor(name: string, body: ErrorBody) {
    const log = body.log?.trim() ?? "";
    super(`the kernel refused to load ${name}: ${body.errnoName ?? body.kind}: ${log || body.message}`);
    this.errnoName = body.errnoName;
    this.log = log;
  }
}
