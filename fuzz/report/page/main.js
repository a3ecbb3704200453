// SPDX-License-Identifier: MIT
// The page of `rex-test fuzz report`: for each corpus its numbers, how they came about, the findings and what was refused.
import { commandLine, duration, element, section } from "../../../runner/test/reporters/html/page/dom.js";
import { legend, plot } from "./plot.js";

/** @typedef {import("../data.ts").FuzzReport} FuzzReport */
/** @typedef {import("../data.ts").CorpusReport} CorpusReport */
/** @typedef {import("../data.ts").CampaignReport} CampaignReport */
/** @typedef {import("../data.ts").ReportedFinding} ReportedFinding */
/** @typedef {import("../../run/state.ts").Sample} Sample */

/** Findings that are unfolded at first. */
const openAtFirst = 3;

const report = /** @type {FuzzReport} */ (JSON.parse(document.getElementById("report")?.textContent ?? ""));
const count = new Intl.NumberFormat("en");

/** @param {CampaignReport} campaign */
function nameOf({ seed, shard, kernel }) {
  return `seed ${seed}${shard.count === 1 ? "" : `, shard ${shard.index}/${shard.count}`}, ${kernel}`;
}

/**
 * @param {CorpusReport} corpus
 * @param {(sample: Sample, all: readonly Sample[]) => number | undefined} value
 */
function seriesOf({ campaigns }, value) {
  return campaigns.map((campaign) => ({
    name: nameOf(campaign),
    points: campaign.samples.flatMap((sample) => {
      const y = value(sample, campaign.samples);
      return y === undefined ? [] : [/** @type {const} */ ([sample.ms, y])];
    }),
  }));
}

/** Rates are over so long at least: batches end as they like. */
const windowMs = 30_000;

/**
 * @param {string} name
 * @param {Sample} sample
 * @param {readonly Sample[]} all
 */
function rateOf(name, sample, all) {
  const lastMs = all.at(-1)?.ms ?? 0;
  const from = sample.ms - Math.max(windowMs, lastMs / 50);
  const before = all.findLast(({ ms }) => ms <= from) ?? all[0];
  if (before === undefined || before.ms >= sample.ms) return undefined;
  return ((sample.counts[name] ?? 0) - (before.counts[name] ?? 0)) / ((sample.ms - before.ms) / 1000);
}

/** @param {CorpusReport} corpus */
function plots(corpus) {
  const rates = corpus.counted
    .filter(({ hasRate }) => hasRate)
    .map(({ name }) =>
      plot(
        `${name} per second`,
        seriesOf(corpus, (sample, all) => rateOf(name, sample, all)),
      ),
    );
  const shown = [
    ...rates,
    plot(
      "lines of the runtime covered",
      seriesOf(corpus, ({ covered }) => covered?.lines),
    ),
    plot(
      "branches of the runtime covered",
      seriesOf(corpus, ({ covered }) => covered?.branches),
    ),
    plot(
      "lines of the crate covered",
      seriesOf(corpus, ({ covered }) => covered?.crateLines),
    ),
    plot(
      "findings",
      seriesOf(corpus, ({ findings }) => findings),
    ),
    plot(
      "inputs kept",
      seriesOf(corpus, ({ kept }) => (corpus.inputs === 0 ? undefined : kept)),
    ),
  ].flatMap((figure) => figure ?? []);
  if (shown.length === 0) return element("p.note", null, "No campaign has run for long enough for a plot.");
  const names = corpus.campaigns.map(nameOf);
  return element("div", null, names.length > 1 ? legend(names) : null, element("div.plots", null, ...shown));
}

/** @param {CorpusReport} corpus */
function campaignTable({ campaigns, counted }) {
  const hasCoverage = campaigns.some(({ covered }) => covered !== undefined);
  const head = [
    "campaign",
    "took",
    "batches",
    ...counted.map(({ name }) => name),
    ...(hasCoverage ? ["lines covered"] : []),
    "findings",
    "not confirmed",
    "digest",
  ];
  const rows = campaigns.map((campaign) => [
    nameOf(campaign),
    duration(campaign.elapsedMs),
    count.format(campaign.batches),
    ...counted.map(({ name }) => count.format(campaign.counts[name] ?? 0)),
    ...(hasCoverage
      ? [campaign.covered ? `${campaign.covered.lines} of ${campaign.covered.linesOf}` : ""]
      : []),
    count.format(campaign.findings),
    count.format(campaign.unconfirmed),
    campaign.digest.slice(0, 12),
  ]);
  const cells = (/** @type {string} */ tag, /** @type {readonly string[]} */ texts) =>
    element("tr", null, ...texts.map((text) => element(tag, null, text)));
  return element(
    "div.table",
    null,
    element("table", null, cells("th", head), ...rows.map((row) => cells("td", row))),
  );
}

/** @param {string} text */
function code(text) {
  const lines = text.trimEnd().split("\n");
  return element(
    "div.code",
    null,
    ...lines.map((line, at) => element("div.line", { "data-n": at + 1 }, line === "" ? " " : line)),
  );
}

/**
 * @param {CorpusReport} corpus
 * @param {ReportedFinding} finding
 */
function findingPanel({ folder }, finding) {
  const { input, spec, file, kernels, seen, afterMs, tracedMs } = finding;
  return element(
    "div.panel",
    null,
    element(
      "p.note",
      null,
      `on ${kernels.join(", ")}; seen ${count.format(seen)} times, first after ${duration(afterMs)}, traced after ${duration(tracedMs)}`,
    ),
    commandLine(`rex-test run ${folder}/${file}`),
    input === undefined ? null : element("p.title", null, "The smallest input that does it"),
    input === undefined ? null : code(input),
    spec === undefined
      ? element("p.note", null, "The spec is not in the corpus any more.")
      : section("The spec", () => code(spec), input === undefined),
  );
}

/** @param {CorpusReport} corpus */
function findingsOf(corpus) {
  if (corpus.findings.length === 0) return element("p.note", null, "Nothing was found.");
  return element(
    "div",
    null,
    ...corpus.findings.map((finding, at) => {
      const { key, reproduced, attempts } = finding;
      const title = `${key} (on ${reproduced} of ${attempts} fresh guests)`;
      return section(title, () => findingPanel(corpus, finding), at < openAtFirst);
    }),
  );
}

/** @param {CorpusReport} corpus */
function refusedOf({ refused }) {
  if (refused.length === 0) return null;
  return element(
    "div",
    null,
    element("h2", null, "Programs that should compile and don't"),
    ...refused.map(({ name, text }) => section(name, () => code(text), false)),
  );
}

/** @param {CorpusReport} corpus */
function corpusPart(corpus) {
  const sums = corpus.counted.map(({ name }) => {
    const sum = corpus.campaigns.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
    return `${count.format(sum)} ${name}`;
  });
  const facts = [...sums, ...corpus.remarks, `${count.format(corpus.inputs)} inputs kept`];
  return element(
    "section",
    { id: `corpus-${corpus.target}` },
    element("h2.target", null, corpus.target),
    element("p.note", null, `${corpus.folder}: ${facts.join(", ")}`),
    campaignTable(corpus),
    plots(corpus),
    element("h2", null, "Findings"),
    findingsOf(corpus),
    refusedOf(corpus),
  );
}

const found = report.corpora.reduce((sum, { findings }) => sum + findings.length, 0);
const words = `${found} ${found === 1 ? "finding" : "findings"}, ${new Date(report.createdAt).toLocaleString()}`;
document
  .getElementById("header")
  ?.append(element("div.top", null, element("h1", null, "rex-test fuzz"), element("p.facts", null, words)));
document.title = `${found > 0 ? "✗" : "✓"} rex-test fuzz report`;
document.getElementById("main")?.replaceChildren(...report.corpora.map(corpusPart));
