// SPDX-License-Identifier: MIT
// A program that did not come as far as the kernel, or was not wanted there.
import { relative } from "node:path";
import type { ErrorBody } from "../../protocol/generated.ts";
import type { ProgramSource } from "../programs/source.ts";
import { GuestRefusalError } from "../rpc/call-errors.ts";

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

/** Loading was refused with a sentence: by the kernel's loader, or by the user-space one that reads the object first. */
export class LoaderRejection extends Error {
  override readonly name = "LoaderRejection";
  readonly errnoName: string | undefined;
  /** Why. Empty when the kernel gave an errno and nothing else. */
  readonly sentence: string;
  readonly by: "kernel" | "user space";

  constructor(name: string, body: ErrorBody) {
    const log = body.log?.trim() ?? "";
    const by = body.errno === undefined ? "user space" : "kernel";
    const sentence = by === "kernel" ? log : body.message;
    super(
      `the ${by === "kernel" ? "kernel" : "user-space loader"} refused to load ${name}: ${body.errnoName ?? body.kind}: ${sentence || body.message}`,
    );
    this.errnoName = body.errnoName;
    this.sentence = sentence;
    this.by = by;
  }
}

/** The kernel's eBPF verifier refused; its log says why. */
export class VerifierRejection extends GuestRefusalError {
  get log(): string {
    return this.body.log ?? "";
  }
}

/** Throws what loading an eBPF program threw: a refusal of the verifier's as one. */
export function verifierRejection(error: unknown): never {
  const refused = error instanceof GuestRefusalError && error.body.blame === "object" && error.body.log;
  throw refused ? new VerifierRejection(error.body) : error;
}
