// SPDX-License-Identifier: MIT
// Objects at other levels of optimisation: what the compiler makes of a program is another one, and what it does is the same.
import { type CompilableSource, type OptLevel, optLevels } from "../../runner/test/programs/source.ts";
import { type Compile, objectName } from "./object.ts";

/** Every so many batches one has another level than usual: with and without schedules and variants, which others have every third. */
const everyBatches = 4;

/** The level of the batch with this number; undefined: the usual one. */
export function optLevelAt(seed: number, batch: number): OptLevel | undefined {
  if (batch % everyBatches !== everyBatches - 1) return undefined;
  const at = Math.imul(seed + 1, 0xc2b2_ae35) ^ Math.imul(batch + 1, 0x85eb_ca6b);
  return optLevels[((at >>> 8) & 0xff_ffff) % optLevels.length];
}

/** Compiles the objects of generated programs at this level, and others as usual. */
export function compileAt(level: OptLevel | undefined, compile: Compile): Compile {
  if (level === undefined) return compile;
  const at = (source: CompilableSource): CompilableSource =>
    source.kind === "inline" && source.name === objectName ? { ...source, optLevel: level } : source;
  return Object.assign((source: CompilableSource) => compile(at(source)), {
    discard: (source: CompilableSource) => compile.discard(at(source)),
  });
}
