// SPDX-License-Identifier: MIT
// Asks rex-verify about many variants of an object, in one process of bounded memory and time.
import { messageOf } from "../../runner/support/errors.ts";
import { describeEnding, runProcess, succeeded } from "../../runner/support/process.ts";
import type { Prepared } from "../../runner/test/engine/prepare.ts";
import type { Variant } from "../verify/damage.ts";

export type Verdict =
  /** The programs' bounds in bytes; null is none. */
  | {
      readonly kind: "accepted";
      readonly bounds: Readonly<Record<string, number | null>>;
      readonly us: number;
    }
  | { readonly kind: "refused"; readonly findings: readonly string[]; readonly us: number }
  /** There was no answer. */
  | { readonly kind: "fell"; readonly how: string; readonly detail: string };

/** What a variant may take; most take less than a millisecond. */
export const memoryBytes = 1 << 30;
/** Of the CPU, so that a busy machine is not taken for an endless loop. */
const cpuSeconds = 20;
const limitMs = 10 * 60_000;

/** The verdicts on all variants, in order. Whatever brings the process down is one; the others are asked about again. */
export async function verifyAll(
  { cargoRex, env }: Prepared["tools"],
  object: string,
  variants: readonly Variant[],
  signal: AbortSignal,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  while (verdicts.length < variants.length) {
    const left = variants.slice(verdicts.length);
    const lines = left.map((variant, index) => JSON.stringify({ id: String(index), ...variant }));
    const answers: Verdict[] = [];
    const other: string[] = [];
    const finished = await runProcess(
      "prlimit",
      [`--as=${memoryBytes}`, `--cpu=${cpuSeconds}`, "--core=0", cargoRex, "rex", "verify", "--batch"],
      {
        input: `${JSON.stringify({ object })}\n${lines.join("\n")}\n`,
        env,
        timeoutMs: limitMs,
        signal,
        dieWithParent: true,
        onLine: (line) => {
          const verdict = parseVerdict(line, answers.length);
          if (verdict === undefined) other.push(line);
          else answers.push(verdict);
        },
      },
    );
    signal.throwIfAborted();
    verdicts.push(...answers);
    if (answers.length === left.length) continue;
    const how = succeeded(finished) ? "answered less than it was asked" : describeEnding(finished.ending);
    verdicts.push({ kind: "fell", how, detail: other.slice(-20).join("\n") });
  }
  return verdicts;
}

function parseVerdict(line: string, index: number): Verdict | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const answer = JSON.parse(line) as {
      id: string;
      ok: boolean;
      us: number;
      bounds?: Record<string, number | null>;
      findings?: string[];
    };
    if (answer.id !== String(index)) return undefined;
    return answer.ok
      ? { kind: "accepted", bounds: answer.bounds ?? {}, us: answer.us }
      : { kind: "refused", findings: answer.findings ?? [], us: answer.us };
  } catch (error) {
    throw new Error(`the verifier's answer can't be read: ${line}: ${messageOf(error)}`);
  }
}
