// SPDX-License-Identifier: MIT
// A campaign's numbers for its reader: one line at intervals, or some lines that are redrawn on a terminal.
import { formatDuration, plural } from "../../runner/support/format.ts";
import type { Paint } from "../../runner/support/style.ts";
import type { Activity, Campaign } from "./campaign.ts";
import { batchesDone, type CoverageCounts } from "./state.ts";
import type { Target } from "./target.ts";

/** For a log. */
export function numbersLine(campaign: Campaign, target: Target): string {
  const { state } = campaign;
  const [first, ...others] = counted(campaign, target);
  const remarks = target.remarks?.(state.counts) ?? [];
  return [
    formatDuration(campaign.totalMs),
    [first, ...remarks].join(", "),
    ...others,
    foundWords(campaign),
    ...coverageWords(state.covered),
    ...spentWords(campaign),
  ].join("; ");
}

/** At the end: what two campaigns with the same seed have in common. */
export function digestLine({ state }: Campaign): string {
  return `digest ${state.digest} of ${plural(batchesDone(state), "batch").replace(/batchs$/, "batches")}`;
}

/** The first line says it all in short; one for each thing that is going on follows. */
export function screenLines(campaign: Campaign, target: Target, paint: Paint): readonly string[] {
  const { state } = campaign;
  const found = state.findings.length;
  const head = [
    paint("bold", target.name),
    formatDuration(campaign.totalMs) + leftWords(leftMs(campaign)),
    found > 0 ? paint("red", foundWords(campaign)) : foundWords(campaign),
  ];
  return [
    head.join("  "),
    `  ${[...counted(campaign, target), ...(target.remarks?.(state.counts) ?? [])].join("  ")}`,
    ...trend(campaign, target, paint),
    `  ${[...coverageWords(state.covered), ...keptWords(campaign), ...spentWords(campaign)].join("  ")}`,
    ...campaign.activities.map((activity) => activityLine(activity, paint)),
  ];
}

const bars = "▁▂▃▄▅▆▇█";
const barsAtMost = 40;

/** How the rate went, and the coverage, from the beginning to now. */
function trend({ state }: Campaign, { counted: [first] }: Target, paint: Paint): string[] {
  const samples = state.history.samples.slice(-barsAtMost - 1);
  const [name, perSecond] = [
    first?.name ?? "",
    (count: number, ms: number) => (1_000 * count) / Math.max(ms, 1),
  ];
  const rates = samples.slice(1).flatMap(({ ms, counts }, at) => {
    const before = samples[at];
    return before === undefined
      ? []
      : [perSecond((counts[name] ?? 0) - (before.counts[name] ?? 0), ms - before.ms)];
  });
  const covered = samples.flatMap((sample) => sample.covered?.lines ?? []);
  const shown = [
    ...(rates.length > 1 ? [`${name}/s ${sparkline(rates)}`] : []),
    ...(covered.length > 1 ? [`coverage ${sparkline(covered)}`] : []),
  ];
  return shown.length === 0 ? [] : [paint("dim", `  ${shown.join("  ")}`)];
}

/** Numbers as blocks, from nothing to the most there is. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(...values, Number.MIN_VALUE);
  return values.map((value) => bars[Math.round((value / most) * (bars.length - 1))]).join("");
}

function leftWords(left: number | undefined): string {
  if (left === undefined) return "";
  return left === 0 ? ", ending" : `, about ${formatDuration(left)} left`;
}

function counted(campaign: Campaign, target: Target): string[] {
  const seconds = Math.max(campaign.elapsedMs / 1_000, 0.001);
  return target.counted.flatMap(({ name, hasRate }, at) => {
    const count = campaign.state.counts[name] ?? 0;
    if (!hasRate) return count === 0 && at > 0 ? [] : [`${count} ${name}`];
    return [`${count} ${name} (${(campaign.countedNow(name) / seconds).toFixed(1)}/s)`];
  });
}

function foundWords({ state: { findings, unconfirmed } }: Campaign): string {
  return `${findings.length} found, ${unconfirmed} not confirmed`;
}

function coverageWords(covered: CoverageCounts | undefined): string[] {
  if (covered === undefined) return [];
  const { lines, linesOf, branches, branchesOf, crateLines, crateLinesOf } = covered;
  const percent = (part: number, of: number) => (of === 0 ? "" : ` (${((100 * part) / of).toFixed(1)} %)`);
  return [
    `${lines} lines${percent(lines, linesOf)} and ${branches} branches${percent(branches, branchesOf)}`,
    ...(crateLines === undefined ? [] : [`${crateLines} of ${crateLinesOf} lines of the crate`]),
  ];
}

function keptWords({ corpus }: Campaign): string[] {
  return [`${plural(corpus.inputs.count, "input")} kept`];
}

function spentWords(campaign: Campaign): string[] {
  return ["compiling", "running", "looking at coverage", "tracing"].flatMap((what) => {
    const ms = campaign.spentMs(what);
    return ms === 0 ? [] : [`${formatDuration(ms)} ${what}`];
  });
}

function activityLine({ what, item, since }: Activity, paint: Paint): string {
  const time = paint("dim", formatDuration(performance.now() - since));
  return `  ${paint("cyan", what)}${item === "" ? "" : ` ${item}`}  ${time}`;
}

/** Until its time is over, or sooner until all batches are done, at the pace so far. */
function leftMs(campaign: Campaign): number | undefined {
  const byTime = campaign.timeMs - campaign.elapsedMs;
  const { batchesAtMost } = campaign;
  if (batchesAtMost === undefined) return Math.max(0, byTime);
  const done = batchesDone(campaign.state);
  if (done === 0) return undefined;
  return Math.max(0, Math.min(byTime, (campaign.totalMs / done) * (batchesAtMost - done)));
}
