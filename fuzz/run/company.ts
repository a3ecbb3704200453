// SPDX-License-Identifier: MIT
// Runs trials as a schedule says: several at once, with a neighbour on another CPU, visited by other programs.
import { setTimeout as sleep } from "node:timers/promises";
import type { Link, Program } from "../../runner/test/worker/program.ts";
import { nests } from "../model/schedule.ts";
import type { Execution, PlannedRun, Site } from "./execute.ts";
import { Inside, insiders } from "./inside.ts";
import type { Company } from "./object.ts";
import { deedsAtMost, Visitors } from "./visitors.ts";

/** Runs in a chunk: their exit records and those of the visitors are kept until they are read. */
const runsAtMost = 24;
/** Runs that are requests of their own, beside which others happen; the rest goes by chunks. */
const singleRunsAtMost = 32;
/** How often the neighbour runs beside each. */
const neighbourRepeats = 40;
/** How often it is looked whether a program without an end has begun. */
const beginPollMs = 5;

interface Work {
  readonly program: Program;
  /** By the names of entries. */
  readonly links: Map<string, Link>;
  readonly execution: Execution;
  readonly byCall: readonly PlannedRun[];
  readonly byPacket: readonly PlannedRun[];
}

export async function inCompany(
  site: Site,
  { schedule, visitors: object }: Company,
  work: Work,
): Promise<void> {
  const { execution } = work;
  await using visitors = await Visitors.invite(site, object, schedule);
  // A program must have begun before its link goes: what is detached runs alone.
  const detaches = schedule.visitors.some(({ kind }) => kind === "detach");
  const lanes = detaches ? 1 : Math.min(schedule.lanes, site.cpus);
  const [nested, byCall] = nests(schedule) ? insiders(work.byCall) : [[], work.byCall];
  const inside =
    nested.length > 0 ? await Inside.attach(site.api, work.program, execution, nested) : undefined;
  const [singly, rest] = parted(byCall, singleRunsAtMost);
  const settle = async (deeds: number) => {
    if (deeds === 0) await visitors.allow(0);
    execution.complain(visitors.complaints(await execution.settle()));
    if (deeds > 0) await visitors.allow(deeds);
  };
  await visitors.allow(deedsAtMost);
  let runs = 0;
  for (const round of roundsOf(singly, lanes)) {
    await visitors.during(runRound(site, visitors, work, round));
    runs += round.length;
    if (runs % runsAtMost < round.length) await settle(deedsAtMost);
  }
  await settle(deedsAtMost);
  const runInChunks = async (planned: readonly PlannedRun[]) => {
    for (let at = 0; at < planned.length; at += runsAtMost) {
      await visitors.during(execution.begin(planned.slice(at, at + runsAtMost), { barrier: false }));
      await settle(deedsAtMost);
    }
  };
  await runInChunks(rest);
  for (const run of work.byPacket) {
    const receive = () => visitors.during(visitors.spared(() => execution.receive(run)));
    // Inside of a kprobe's program the kernel runs no other one's.
    const hadOne = inside === undefined ? await receive() : await inside.during(receive);
    runs += 1;
    if (hadOne || runs % runsAtMost === 0) await settle(deedsAtMost);
  }
  await settle(deedsAtMost);
  await runInChunks(inside?.left ?? []);
  await settle(0);
  if (schedule.neighbour && !(await site.canary.hasCounted()))
    execution.complain([{ oracle: "other CPUs", title: "a neighbour did not do its work", detail: "" }]);
}

/** So many runs, those of trials without an end first, and the rest. All runs of a trial are in the same part. */
export function parted(planned: readonly PlannedRun[], count: number): readonly [PlannedRun[], PlannedRun[]] {
  const endless = new Set(planned.filter(({ endsByTime }) => endsByTime).map(({ trial }) => trial));
  const isFirst = ({ trial }: PlannedRun) => endless.has(trial);
  const sorted = [...planned.filter(isFirst), ...planned.filter((run) => !isFirst(run))];
  const last = sorted[count - 1]?.trial;
  const end = sorted.findLastIndex(({ trial }, at) => at < count || trial === last) + 1;
  return [sorted.slice(0, end), sorted.slice(end)];
}

/**
 * Those that run at the same time: never two of the same trial, whose runs follow each other, and never two that only another CPU can end: nobody
 * would be left to do it.
 */
export function roundsOf(planned: readonly PlannedRun[], lanes: number): PlannedRun[][] {
  const trials = [...new Set(planned.map(({ trial }) => trial))];
  const queues = Array.from({ length: lanes }, (_, lane) =>
    planned.filter(({ trial }) => trials.indexOf(trial) % lanes === lane),
  );
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  const rounds = Array.from({ length: longest }, (_, round) => queues.flatMap((queue) => queue[round] ?? []));
  return rounds.flatMap((round) => {
    const [first, ...others] = round.filter(({ needsAnotherCpu }) => needsAnotherCpu);
    return [round.filter((run) => run === first || !run.needsAnotherCpu), ...others.map((run) => [run])];
  });
}

async function runRound(
  { api, cpus, canary }: Site,
  { schedule }: Visitors,
  { program, links, execution }: Work,
  round: readonly PlannedRun[],
): Promise<void> {
  const beside = schedule.neighbour && cpus > 1 ? [canary.call(neighbourRepeats, round.length % cpus)] : [];
  const run = () => execution.begin(round, { barrier: true, pinned: true, beside });
  const [first] = round;
  if (!first?.endsByTime || !schedule.visitors.some(({ kind }) => kind === "detach")) {
    await run();
    return;
  }
  const { entry } = first;
  const { id } = program.programs.find(({ name }) => name === entry) ?? {};
  const runs = async () => (await api.programs()).find((stats) => stats.id === id)?.runs ?? 0;
  const before = await runs();
  let isOver = false;
  const running = run().finally(() => {
    isOver = true;
  });
  running.catch(() => undefined); // awaited below
  while (!isOver && (await runs()) === before) await sleep(beginPollMs);
  await links.get(entry)?.detach();
  await running;
  links.set(entry, await program.attach({ name: entry }));
}
