// SPDX-License-Identifier: MIT
// The target `verify`: what rex-verify makes of objects that nobody should have made. Whatever it is given, it answers, in bounded time and
// memory. And what it says is true: functions made at random, of the instructions that change the stack, are run step by step here, and never
// get deeper than the bound that it gave them.
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { programsOf } from "../model/arbitrary.ts";
import { printForGuest } from "../model/files.ts";
import { Draw } from "../model/generate/draw.ts";
import { Base, baseSource, calibration, calibrationBytes, functionCount } from "../verify/base.ts";
import { damageCode, damageTables, type Variant, withinFile } from "../verify/damage.ts";
import { type Elf, readElf } from "../verify/elf.ts";
import { functions } from "../verify/functions.ts";
import type { Code } from "../verify/machine-code.ts";
import { strayTitle, walk } from "../verify/walk.ts";
import type { BatchOutcome, Lab, Target, Traced } from "./target.ts";
import type { Complaint } from "./trial.ts";
import { type Verdict, verifyAll } from "./verifier.ts";
import { verifySpecText } from "./verify-spec.ts";
import { workOnHost } from "./worker.ts";

const perBatch = 1_000;
/** Objects that are damaged. */
const victims = 4;
const walksEach = 8;
const slowUs = 5_000_000;
const again = 3;
/** For making a finding smaller. */
const shrinkLimitMs = 30_000;
const program = "prog";

/** What is tried, and how it is judged when there is a verdict. */
interface Case {
  readonly variant: Variant;
  readonly codes?: readonly Code[];
  readonly seed: number;
}

interface Subject {
  readonly source: string;
  readonly file: string;
  readonly elf: Elf;
}

interface Workshop {
  readonly victims: readonly Subject[];
  readonly base: Subject & { readonly base: Base; readonly aroundBytes: number };
}

export const verifyTarget: Target = {
  name: "verify",
  summary: "damaged objects and hand-made code for rex-verify",
  counted: [
    { name: "objects", hasRate: true },
    { name: "accepted", hasRate: false },
    { name: "walks", hasRate: true },
  ],
  oracles: ["binary verifier"],
  work: async (lab) => {
    const workshop = await lab.campaign.during("compiling", () => open(lab));
    await workOnHost(lab, (batch) => runBatch(lab, workshop, batch));
  },
};

async function open(lab: Lab): Promise<Workshop> {
  const subject = async (source: string): Promise<Subject> => {
    const result = await lab.compile({ kind: "inline", name: "victim", text: source });
    if (!result.ok) throw new Error(`the object to be damaged does not compile: ${result.rendered}`);
    return { source, file: result.object, elf: readElf(await readFile(result.object)) };
  };
  const sources = Array.from(
    { length: victims },
    (_, index) => printForGuest(programsOf(lab.campaign.seed, index * 3, index + 1)).text,
  );
  const damaged = [];
  for (const source of sources) damaged.push(await subject(source));
  const of = await subject(baseSource);
  const base = new Base(of.elf.bytes);
  const [verdict] = await ask(lab, of, [base.variant(calibration) ?? { patches: [] }]);
  const bound = verdict?.kind === "accepted" ? verdict.bounds[program] : undefined;
  if (typeof bound !== "number")
    throw new Error(`rex-verify does not take the simplest functions: ${JSON.stringify(verdict)}`);
  return { victims: damaged, base: { ...of, base, aroundBytes: bound - calibrationBytes } };
}

function ask(lab: Lab, subject: Subject, variants: readonly Variant[]): Promise<Verdict[]> {
  const within = variants.map((variant) => withinFile(variant, subject.elf.bytes.length));
  return verifyAll(lab.guests.prepared.tools, subject.file, within, lab.guests.signal);
}

/** Two batches of damage, then two of functions. */
async function runBatch(lab: Lab, workshop: Workshop, batch: number): Promise<BatchOutcome> {
  const { campaign } = lab;
  const isDamage = batch % 4 < 2;
  const [first = workshop.base] = workshop.victims;
  const subject = isDamage ? (workshop.victims[(batch >> 2) % victims] ?? first) : workshop.base;
  const made = Array.from({ length: perBatch }, (_, index) => {
    const seed =
      (Math.imul(campaign.seed, 0x9e37_79b1) ^ Math.imul(batch * perBatch + index + 1, 0x85eb_ca6b)) | 0;
    return isDamage ? damagedCase(subject.elf, seed, batch % 2 === 0) : codeCase(workshop.base.base, seed);
  });
  const verdicts = await campaign.during("verifying", () =>
    ask(
      lab,
      subject,
      made.map(({ variant }) => variant),
    ),
  );
  let walks = 0;
  const told: string[] = [];
  for (const [index, one] of made.entries()) {
    const verdict = verdicts[index];
    if (verdict === undefined) throw new Error("rex-verify left out an object");
    const complaint = judge(workshop, one, verdict);
    walks += verdict.kind === "accepted" && one.codes !== undefined ? walksEach : 0;
    told.push(complaint?.title ?? summaryOf(verdict));
    if (complaint !== undefined)
      await campaign.follow(complaint, (onStep) => trace(lab, workshop, subject, one, complaint, onStep));
  }
  const accepted = verdicts.filter(({ kind }) => kind === "accepted").length;
  return { counts: { objects: perBatch, accepted, walks }, verdicts: told };
}

function summaryOf(verdict: Verdict): string {
  if (verdict.kind === "accepted") return `accepted ${JSON.stringify(verdict.bounds)}`;
  return verdict.kind === "refused" ? `refused ${verdict.findings[0]}` : "fell";
}

function damagedCase(elf: Elf, seed: number, ofTables: boolean): Case {
  const variants = new Seeded((draw) => (ofTables ? damageTables(elf, draw) : damageCode(elf, draw)));
  return { variant: variants.at(seed), seed };
}

function codeCase(base: Base, seed: number): Case {
  const [codes = calibration] = fc.sample(functions(functionCount), { seed, numRuns: 1 });
  const variant = base.variant(codes);
  // What does not fit is not tried.
  return variant === undefined
    ? { variant: base.variant(calibration) ?? { patches: [] }, codes: calibration, seed }
    : { variant, codes, seed };
}

/** Something that is made of a seed. */
class Seeded<T> extends fc.Arbitrary<T> {
  readonly #make: (draw: Draw) => T;

  constructor(make: (draw: Draw) => T) {
    super();
    this.#make = make;
  }

  at(seed: number): T {
    const [made] = fc.sample(this, { seed, numRuns: 1 });
    return made as T;
  }

  override generate(random: fc.Random): fc.Value<T> {
    return new fc.Value(this.#make(new Draw(random)), undefined);
  }

  override canShrinkWithoutContext(_: unknown): _ is T {
    return false;
  }

  override shrink(): fc.Stream<fc.Value<T>> {
    return fc.Stream.nil();
  }
}

function judge(workshop: Workshop, { codes, seed }: Case, verdict: Verdict): Complaint | undefined {
  const about = (title: string, detail: string): Complaint => ({ oracle: "binary verifier", title, detail });
  if (verdict.kind === "fell") return about(`the verifier ${verdict.how}`, verdict.detail);
  if (verdict.us > slowUs) return about("the verifier takes seconds", `${verdict.us} µs`);
  if (verdict.kind === "refused" || codes === undefined) return undefined;
  const bound = verdict.bounds[program];
  if (typeof bound !== "number") return undefined;
  return new Seeded((draw) => {
    for (let walked = 0; walked < walksEach; walked += 1) {
      const base = 0x10_0000 + 8 * draw.int(0, 4_096);
      const { deepest, strayed } = walk(codes, base, draw);
      const detail = codes.map((code, index) => `${index}: ${JSON.stringify(code)}`).join("\n");
      if (workshop.base.aroundBytes + deepest > bound)
        return about(
          "a program gets deeper than its bound",
          `${workshop.base.aroundBytes + deepest} bytes, ${bound} were proved\n${detail}`,
        );
      if (strayed !== undefined) return about(strayTitle(strayed), `function ${strayed.function}\n${detail}`);
    }
    return undefined;
  }).at(seed);
}

async function trace(
  lab: Lab,
  workshop: Workshop,
  subject: Subject,
  first: Case,
  complaint: Complaint,
  onStep: (what: string) => void,
): Promise<Traced | undefined> {
  /** Those that bring it about, the first of them; asked about all at once. */
  const firstAbout = async (cases: readonly Case[]) => {
    const verdicts = await ask(
      lab,
      subject,
      cases.map(({ variant }) => variant),
    );
    for (const [index, one] of cases.entries()) {
      const verdict = verdicts[index];
      const found = verdict === undefined ? undefined : judge(workshop, one, verdict);
      if (found?.title === complaint.title) return { one, found };
    }
    return undefined;
  };
  let smallest = first;
  for (const giveUpAt = performance.now() + shrinkLimitMs; performance.now() < giveUpAt; ) {
    onStep(`making it smaller: ${complaint.title}`);
    const smaller = await firstAbout([...smallerCases(workshop.base.base, smallest)]);
    if (smaller === undefined) break;
    smallest = smaller.one;
  }
  let [reproduced, last]: [number, Complaint | undefined] = [0, undefined];
  for (let attempt = 0; attempt < again; attempt += 1) {
    const about = await firstAbout([smallest]);
    if (about !== undefined) [reproduced, last] = [reproduced + 1, about.found];
  }
  if (last === undefined) return undefined;
  const found = last;
  const variant = withinFile(smallest.variant, subject.elf.bytes.length);
  return {
    complaint: found,
    reproduced,
    attempts: again,
    input: smallest.codes === undefined ? JSON.stringify(variant) : found.detail,
    spec: (path) => verifySpecText({ source: subject.source, variant, complaint: found }, path),
  };
}

function* smallerCases(base: Base, { variant, codes, seed }: Case): Generator<Case> {
  if (codes === undefined) {
    for (const at of variant.patches.keys())
      if (variant.patches.length > 1)
        yield { variant: { ...variant, patches: variant.patches.toSpliced(at, 1) }, seed };
    if (variant.size !== undefined) yield { variant: { patches: variant.patches }, seed };
    return;
  }
  for (const { value } of functions(functionCount).shrink(codes, undefined)) {
    const smaller = base.variant(value);
    if (smaller !== undefined) yield { variant: smaller, codes: value, seed };
  }
}
