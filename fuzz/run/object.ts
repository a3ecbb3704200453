// SPDX-License-Identifier: MIT
// Many programs in one object. When the compiler refuses it, the culprits are found by halving.
import { readFile } from "node:fs/promises";
import { RexTestError } from "../../runner/support/errors.ts";
import type { CompileResult } from "../../runner/test/programs/compiler.ts";
import type { CompilableSource } from "../../runner/test/programs/source.ts";
import type { Program } from "../model/ast.ts";
import { type Making, type PrintedFile, printForGuest } from "../model/files.ts";
import { lacksMemory, nests, type Schedule } from "../model/schedule.ts";
import { variantOf } from "../model/variants.ts";
import { type CrateImage, crateImage } from "./crate-image.ts";
import type { Trial } from "./trial.ts";
import { visitorsSource } from "./visitors.ts";

export interface Compile {
  (source: CompilableSource): Promise<CompileResult>;
  /** Nobody needs it any more: a campaign compiles many, each of them once. */
  discard(source: CompilableSource): Promise<void>;
}

/** Trials with the object that they are in. */
export interface Batch {
  readonly trials: readonly Trial[];
  /** By the index of a trial that is compared with a variant of itself: which program of the object that is, and itself. */
  readonly twins: ReadonlyMap<number, Twin>;
  /** The programs of the trials, then the twins. */
  readonly printed: PrintedFile;
  /** The object's bytes. */
  readonly base64: string;
  /** Of the object, where the crate is watched. */
  readonly image?: CrateImage;
  /** What goes on meanwhile; absent: nothing. */
  readonly company?: Company;
}

export interface Twin {
  readonly index: number;
  readonly program: Program;
}

/** A schedule, and the bytes of the object with its visitors. */
export interface Company {
  readonly schedule: Schedule;
  readonly visitors: string;
}

/** A program that should compile and does not. */
export interface Refusal {
  readonly trial: Trial;
  readonly source: string;
  readonly rendered: string;
}

export interface Built {
  readonly batches: readonly Batch[];
  readonly refusals: readonly Refusal[];
}

export const objectName = "fuzzed";

/** `schedule`: what is to go on meanwhile. `watchesCrate`: with the objects' images. */
export async function build(
  trials: readonly Trial[],
  schedule: Schedule | undefined,
  compile: Compile,
  { watchesCrate = false }: { readonly watchesCrate?: boolean } = {},
): Promise<Built> {
  const how = { allocates: lacksMemory(schedule), nests: nests(schedule), watchesCrate };
  return inCompanyOf(await buildAlone(trials, how, compile), schedule, compile);
}

async function buildAlone(
  trials: readonly Trial[],
  how: Making & { readonly watchesCrate: boolean },
  compile: Compile,
): Promise<Built> {
  if (trials.length === 0) return { batches: [], refusals: [] };
  const twins = twinsOf(trials);
  const programs = [...trials, ...twins.values()].map(({ program }) => program);
  const printed = printForGuest(programs, how);
  const source: CompilableSource = { kind: "inline", name: objectName, text: printed.text };
  const result = await compile(source);
  const base64 = result.ok ? await readFile(result.object, "base64") : undefined;
  const image =
    how.watchesCrate && result.ok && result.debug !== undefined
      ? await crateImage(result.object, result.debug)
      : undefined;
  await compile.discard(source);
  if (base64 !== undefined) {
    const batch = { trials, twins, printed, base64, ...(image === undefined ? {} : { image }) };
    return { batches: [batch], refusals: [] };
  }
  const rendered = result.ok ? "" : result.rendered;
  const [only] = trials;
  if (trials.length === 1 && only !== undefined)
    return { batches: [], refusals: [{ trial: only, source: printed.text, rendered }] };
  const middle = trials.length >> 1;
  const first = await buildAlone(trials.slice(0, middle), how, compile);
  const second = await buildAlone(trials.slice(middle), how, compile);
  return {
    batches: [...first.batches, ...second.batches],
    refusals: [...first.refusals, ...second.refusals],
  };
}

export function twinsOf(trials: readonly Trial[]): Map<number, Twin> {
  const twins = new Map<number, Twin>();
  for (const [at, { program, variant }] of trials.entries())
    if (variant !== undefined)
      twins.set(at, { index: trials.length + twins.size, program: variantOf(program, variant) });
  return twins;
}

/** The same with something going on meanwhile. */
async function inCompanyOf(built: Built, schedule: Schedule | undefined, compile: Compile): Promise<Built> {
  if (schedule === undefined) return built;
  const result = await compile(visitorsSource);
  if (!result.ok) throw new RexTestError("the visitors do not compile", { detail: result.rendered });
  const company: Company = { schedule, visitors: await readFile(result.object, "base64") };
  return { ...built, batches: built.batches.map((batch) => ({ ...batch, company })) };
}
