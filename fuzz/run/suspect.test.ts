// SPDX-License-Identifier: MIT
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { programsOf } from "../model/arbitrary.ts";
import type { Schedule } from "../model/schedule.ts";
import { mixed, programOf, variable } from "../testing/trees.ts";
import type { Finding, HuntOptions, hunt } from "./hunt.ts";
import type { Compile } from "./object.ts";
import { huntAgain, keptTrial, type Suspect, suspectOf } from "./suspect.ts";
import type { Complaint, Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rex-suspect-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const schedule: Schedule = { lanes: 2, neighbour: true, visitors: [{ kind: "lookup", deed: "panic" }] };
const seen: Complaint = { oracle: "prediction", title: "another value returned", detail: "seen", trial: 41 };

function trial(variant?: "opaque"): Trial {
  const made = trialOf(programOf(mixed(variable("input"))), [5n, (1n << 64n) - 1n], variant);
  if (made === undefined) throw new Error("undecided");
  return made;
}

/** As it comes back out of the state of a campaign. */
function again(suspect: Suspect): Suspect | undefined {
  return suspectOf(JSON.parse(JSON.stringify({ ...keptTrial(suspect.trial), schedule: suspect.schedule })));
}

describe("suspectOf", () => {
  it("has what was kept, with what is to happen", () => {
    const suspect = { trial: trial("opaque"), schedule };
    expect(again(suspect)).toEqual(suspect);
    const alone = { trial: trial(), schedule: undefined };
    expect(again(alone)).toEqual(alone);
    for (const program of programsOf(3, 0, 40)) {
      const made = trialOf(program, [1n, 2n]);
      if (made !== undefined) expect(again({ trial: made, schedule })?.trial).toEqual(made);
    }
  });

  it("has nothing of what nobody, or another version, has kept", () => {
    expect(suspectOf(undefined)).toBeUndefined();
    expect(suspectOf({})).toBeUndefined();
    expect(suspectOf({ program: { body: "earlier" }, inputs: ["1"] })).toBeUndefined();
    const bad = programOf(mixed(variable("nobody")));
    expect(suspectOf({ ...keptTrial({ ...trial(), program: bad }), schedule })).toBeUndefined();
  });
});

describe("huntAgain", () => {
  /** What it was asked, and what it gives. */
  async function hunted(suspect: Suspect, complaint: Complaint, isOk = true) {
    const texts: string[] = [];
    const object = join(folder, "object");
    await writeFile(object, "bytes");
    const compile = Object.assign(
      async (source: Parameters<Compile>[0]) => {
        texts.push(source.kind === "inline" ? source.text : source.path);
        return isOk
          ? ({ ok: true, object, ms: 0, cached: false } as const)
          : ({ ok: false, stage: "rustc", rendered: "" } as const);
      },
      { discard: async () => undefined },
    );
    const finding = { complaint, trial: suspect.trial, reproduced: 3, attempts: 3, cpus: 2 } as Finding;
    const hunts = vi.fn<typeof hunt>(async () => finding);
    // That of the batch: not what it had come to.
    const options = { compile, cpus: 2, schedule: undefined } as unknown as HuntOptions;
    const found = await huntAgain(suspect, complaint, options, hunts);
    return { found, finding, hunts, texts };
  }

  it("goes on with the suspect alone, and with what had to go on meanwhile", async () => {
    const suspect = { trial: trial(), schedule };
    const { found, finding, hunts, texts } = await hunted(suspect, seen);
    expect(found).toBe(finding);
    expect(texts[0]).toContain("mod p0");
    expect(texts[0]).not.toContain("mod p1");
    const [batch, chosen, complaint, options] = hunts.mock.calls[0] ?? [];
    expect(batch?.trials).toEqual([suspect.trial]);
    expect(batch?.company?.schedule).toEqual(schedule);
    expect(chosen).toEqual([0]);
    // The program had another number in its batch.
    expect(complaint).toEqual({ ...seen, trial: 0 });
    expect(options?.schedule).toEqual(schedule);
  });

  it("does not say of which program a complaint is that may be of any", async () => {
    const { trial: _, ...anybody } = seen;
    const { hunts } = await hunted({ trial: trial(), schedule: undefined }, anybody);
    expect(hunts.mock.calls[0]?.[2]).toEqual(anybody);
    expect(hunts.mock.calls[0]?.[0].company).toBeUndefined();
  });

  it("finds nothing when the suspect does not compile any more", async () => {
    const { found, hunts } = await hunted({ trial: trial(), schedule: undefined }, seen, false);
    expect(found).toBeUndefined();
    expect(hunts).not.toHaveBeenCalled();
  });
});
