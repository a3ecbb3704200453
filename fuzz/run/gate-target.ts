// SPDX-License-Identifier: MIT
// The target `gate`: attempts to get what no program may do past the builder. None may be accepted and be there in the object. Every fourth is
// made a second time with something harmless in it, which has to be accepted, and whose sign has to be seen: a gate that refuses everything,
// and an oracle that sees nothing, would be noticed.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { messageOf } from "../../runner/support/errors.ts";
import type { CompileResult, Compiler } from "../../runner/test/programs/compiler.ts";
import type { CompilableSource } from "../../runner/test/programs/source.ts";
import {
  type Answer,
  type Attempt,
  attempts,
  attemptsOf,
  causeOf,
  describeAttempt,
  isOf,
  judgeAttempt,
  programOf,
  twinOf,
} from "../gate/attempt.ts";
import { gateSpecText } from "./gate-spec.ts";
import type { BatchOutcome, Lab, Target, Traced } from "./target.ts";
import type { Complaint } from "./trial.ts";
import { workOnHost } from "./worker.ts";

/** Compiled by one call of the builder. */
const perBatch = 24;
const twinEvery = 4;
/** How often the smallest is tried again. */
const again = 3;
const name = "attempt";

/** What was found to be enough, and how that is called: more of the same is not traced again. */
interface Cause {
  readonly parts: readonly string[];
  readonly title: string;
}

const causes: Cause[] = [];

interface Builder {
  readonly compiler: Compiler;
  readonly signal: AbortSignal;
}

const builderOf = ({ guests: { prepared, signal } }: Lab): Builder => ({
  compiler: prepared.compiler,
  signal,
});

export const gateTarget: Target = {
  name: "gate",
  summary: "attempts to get unsafe code past the builder",
  counted: [
    { name: "attempts", hasRate: true },
    { name: "accepted", hasRate: false },
    { name: "harmless twins", hasRate: false },
  ],
  oracles: ["compile-time gate"],
  work: (lab) => workOnHost(lab, (batch) => runBatch(lab, batch)),
};

async function runBatch(lab: Lab, batch: number): Promise<BatchOutcome> {
  const { campaign } = lab;
  const tried = attemptsOf(campaign.seed, batch * perBatch, perBatch).flatMap((attempt, at) =>
    at % twinEvery === 0 ? [attempt, twinOf(attempt)] : [attempt],
  );
  const answers = await campaign.during("compiling", () => ask(builderOf(lab), tried, name));
  const verdicts: string[] = [];
  for (const [at, attempt] of tried.entries()) {
    const answer = answers[at];
    if (answer === undefined) throw new Error("the builder left out a program");
    const wrong = judgeAttempt(attempt, answer);
    verdicts.push(`${describeAttempt(attempt)}: ${wrong ?? answer.kind}`);
    if (wrong !== undefined)
      await campaign.follow(complaint(attempt, wrong, answer), (onStep) =>
        trace(lab, attempt, wrong, onStep),
      );
  }
  return {
    counts: {
      attempts: perBatch,
      accepted: answers.filter(({ kind }) => kind === "accepted").length,
      "harmless twins": tried.length - perBatch,
    },
    verdicts,
  };
}

/** The answers to attempts; when the builder gives up on all of them, one by one. */
async function ask(
  { compiler, signal }: Builder,
  tried: readonly Attempt[],
  called: string,
): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), "rex-gate-"));
  try {
    const sources = await Promise.all(
      tried.map((attempt, at) => sourceOf(attempt, join(folder, String(at)), called)),
    );
    const results = new Map<CompilableSource, CompileResult>();
    const failure = await compiler
      .compileAll(sources, (source, result) => void results.set(source, result))
      .then(
        () => undefined,
        (error: unknown) => messageOf(error),
      );
    signal.throwIfAborted();
    const [only] = tried;
    if (failure !== undefined && only !== undefined && tried.length === 1)
      return [{ kind: "failed", message: failure }];
    if (failure !== undefined)
      return (await Promise.all(tried.map((one) => ask({ compiler, signal }, [one], called)))).flat();
    return await Promise.all(sources.map(async (source) => answerOf(await compiler.compile(source))));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function answerOf(result: CompileResult): Promise<Answer> {
  if (result.ok) return { kind: "accepted", object: await readFile(result.object) };
  // Who tries the same again is to hear of the gate, not of the cache.
  if (result.kept !== undefined) await rm(result.kept, { force: true });
  return { kind: "refused", stage: result.stage, rendered: result.rendered };
}

async function sourceOf(attempt: Attempt, folder: string, called: string): Promise<CompilableSource> {
  const laid = programOf(attempt);
  if (laid.kind === "inline") return { kind: "inline", name: called, text: laid.text };
  for (const [path, content] of Object.entries(laid.files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  for (const [path, target] of Object.entries(laid.links ?? {})) await symlink(target, join(folder, path));
  return { kind: "fixture", name: called, path: join(folder, laid.program) };
}

/** Leaves out what does not matter. */
async function trace(
  lab: Lab,
  first: Attempt,
  wrong: string,
  onStep: (what: string) => void,
): Promise<Traced | undefined> {
  const builder = builderOf(lab);
  const isStill = async (attempt: Attempt, called: string) => {
    const [answer] = await ask(builder, [attempt], called);
    return answer !== undefined && judgeAttempt(attempt, answer) === wrong ? answer : undefined;
  };
  let smallest = first;
  for (let next: Attempt | undefined = first; next !== undefined; ) {
    smallest = next;
    next = undefined;
    for (const { value } of attempts().shrink(smallest, undefined)) {
      onStep(`without something: ${describeAttempt(value)}`);
      if ((await isStill(value, name)) !== undefined) next = value;
      if (next !== undefined) break;
    }
  }
  let [reproduced, last]: [number, Answer | undefined] = [0, undefined];
  for (let attempt = 0; attempt < again; attempt += 1) {
    // By another name, so that the cache has no answer.
    const answer = await isStill(smallest, `${name}_${attempt}`);
    if (answer !== undefined) [reproduced, last] = [reproduced + 1, answer];
  }
  if (last === undefined) return undefined;
  const title = titleOf(smallest, wrong);
  causes.push({ parts: causeOf(smallest), title });
  const found = { ...complaint(smallest, wrong, last), title };
  return {
    complaint: found,
    reproduced,
    attempts: again,
    input: describeAttempt(smallest),
    spec: (path) => gateSpecText(smallest, found, path),
  };
}

function complaint(attempt: Attempt, wrong: string, answer: Answer): Complaint {
  const known = causes.find(({ parts }) => isOf(attempt, parts));
  const detail = answer.kind === "refused" ? answer.rendered : answer.kind === "failed" ? answer.message : "";
  return {
    oracle: "compile-time gate",
    title: known?.title ?? wrong,
    detail: `${describeAttempt(attempt)}\n${detail}`,
  };
}

/** By what it takes, if it takes anything: the same way through is one, whatever goes through. */
function titleOf(attempt: Attempt, wrong: string): string {
  const parts = causeOf(attempt);
  return parts.length === 0 ? wrong : `${wrong.replace(attempt.core.name, "something")}: ${parts.join(", ")}`;
}
