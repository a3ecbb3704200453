// SPDX-License-Identifier: MIT
// What tracing a finding has come to, kept with the state of its campaign: when that is killed, tracing goes on from there.
import type { Program } from "../model/ast.ts";
import { isWellTyped } from "../model/check.ts";
import type { Schedule } from "../model/schedule.ts";
import type { VariantName } from "../model/variants.ts";
import type { Finding, HuntOptions, hunt } from "./hunt.ts";
import { build } from "./object.ts";
import type { Complaint, Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

export interface KeptTrial {
  readonly program: Program;
  readonly inputs: readonly string[];
  readonly variant?: VariantName;
}

/** As JSON. */
export function keptTrial({ program, inputs, variant }: Trial): KeptTrial {
  return { program, inputs: inputs.map(String), ...(variant === undefined ? {} : { variant }) };
}

export interface Suspect {
  readonly trial: Trial;
  readonly schedule: Schedule | undefined;
}

/** What tracing had come to when the campaign was killed. */
export function suspectOf(kept: unknown): Suspect | undefined {
  if (kept === undefined) return undefined;
  const { program, inputs, variant, schedule } = kept as Partial<KeptTrial> & {
    readonly schedule?: Schedule;
  };
  const trial =
    isWhole(program) && inputs !== undefined ? trialOf(program, inputs.map(BigInt), variant) : undefined;
  return trial && { trial, schedule };
}

/** From there, if it is still to blame. */
export async function huntAgain(
  { trial, schedule }: Suspect,
  complaint: Complaint,
  options: HuntOptions,
  hunts: typeof hunt,
): Promise<Finding | undefined> {
  const [batch] = (await build([trial], schedule, options.compile)).batches;
  const alone = complaint.trial === undefined ? complaint : { ...complaint, trial: 0 };
  return batch && (await hunts(batch, [0], alone, { ...options, schedule }));
}

const checked = new WeakMap<Program, boolean>();

/** Not of those that another version has kept, whose programs were others. */
export function isWhole(program: Program | undefined): program is Program {
  if (typeof program !== "object" || program === null) return false;
  const known = checked.get(program);
  if (known !== undefined) return known;
  let whole = false;
  try {
    whole = isWellTyped(program);
  } catch {
    // of another version
  }
  checked.set(program, whole);
  return whole;
}
