// SPDX-License-Identifier: MIT
// Makes trials of programs, some of which are compared with variants of themselves.
import { predict } from "../interpret/interpret.ts";
import type { Program } from "../model/ast.ts";
import { longer, type VariantName, variantNames } from "../model/variants.ts";
import type { Trial } from "./trial.ts";

/** Batches that have variants; there, of so many programs one. */
const [everyBatches, everyPrograms] = [3, 4];
/** Of programs with variants, some go on for longer than is predicted. */
const longerTimes = 20;

/** Enough where a run takes long. */
const fewInputs = 2;

/** Undefined when nothing can be said of the program, and there is nothing to compare it with. */
export function trialOf(
  program: Program,
  inputs: readonly bigint[],
  variant?: VariantName,
): Trial | undefined {
  const prediction = predict(program, inputs);
  if (variant === undefined) return prediction && { program, inputs, prediction };
  const unknown = { runs: inputs.map(() => ({ kind: "unknown" }) as const) };
  return { program, inputs, prediction: prediction ?? unknown, variant };
}

/** `index` is that of the program in its campaign. */
export function trialAt(
  program: Program,
  inputs: readonly bigint[],
  { batch, index }: { readonly batch: number; readonly index: number },
): Trial | undefined {
  if (batch % everyBatches !== 1 || index % everyPrograms !== 0) return decidedTrial(program, inputs);
  const at = Math.imul(index + 1, 0x9e37_79b1) >>> 8;
  const variant = variantNames[at % variantNames.length];
  const long = (at >>> 12) % 2 === 0 ? longer(program, longerTimes) : undefined;
  if (long !== undefined) return trialOf(long, inputs.slice(0, fewInputs), variant);
  const trial = decidedTrial(program, inputs);
  return trial && variant !== undefined ? { ...trial, variant } : trial;
}

/** With as many of the inputs as something can be said of. What is ended by its time is not waited for more than twice. */
function decidedTrial(program: Program, inputs: readonly bigint[]): Trial | undefined {
  const few = trialOf(program, inputs.slice(0, fewInputs));
  if (few === undefined || few.prediction.runs.length < fewInputs) return few;
  const all = trialOf(program, inputs);
  if (all === undefined) return few;
  let ended = 0;
  const last = all.prediction.runs.findIndex(({ kind }) => kind === "timeout" && ++ended === fewInputs);
  return last < 0 ? all : trialOf(program, inputs.slice(0, last + 1));
}
