// SPDX-License-Identifier: MIT
// The data of the report, and which of its tests are wanted.

/** @typedef {import("../data.ts").ReportData} ReportData */
/** @typedef {import("../data.ts").ReportDetails} ReportDetails */
/** @typedef {import("../data.ts").ReportTest} ReportTest */
/** @typedef {import("../data.ts").ShownOutcome} ShownOutcome */

/** @type {Readonly<Record<ShownOutcome, { mark: string, words: string, bad: boolean }>>} */
export const outcomes = {
  "kernel-crashed": { mark: "☠", words: "kernel crashed", bad: true },
  "guest-hung": { mark: "∞", words: "guest hung", bad: true },
  failed: { mark: "✗", words: "failed", bad: true },
  "not-loaded": { mark: "✗", words: "not loaded", bad: true },
  "infrastructure-failed": { mark: "!", words: "infrastructure failed", bad: true },
  "never-ran": { mark: "–", words: "never ran", bad: false },
  passed: { mark: "✓", words: "passed", bad: false },
  ignored: { mark: "○", words: "ignored", bad: false },
};

/**
 * @param {string} id
 * @returns {unknown}
 */
function readBlock(id) {
  const block = document.getElementById(id);
  return block === null ? undefined : JSON.parse(block.textContent ?? "");
}

/** @returns {ReportData} */
export function readReport() {
  return /** @type {ReportData} */ (readBlock("report"));
}

/**
 * Undefined when they were left out of a report that had become too large.
 * @param {number} index
 * @returns {ReportDetails | undefined}
 */
export function readDetails(index) {
  return /** @type {ReportDetails | undefined} */ (readBlock(`details-${index}`));
}

/**
 * @typedef {object} Wanted
 * @property {ReadonlySet<ShownOutcome>} outcomes empty: all
 * @property {boolean} flaky only these
 * @property {string} text
 */

/**
 * The numbers of the wanted tests by promise: those with failures first, then by name.
 * @param {ReportData} data
 * @param {Wanted} wanted
 * @returns {readonly { promise: string, tests: readonly number[] }[]}
 */
export function select(data, wanted) {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  for (const [index, test] of data.tests.entries()) {
    if (wanted.outcomes.size > 0 && !wanted.outcomes.has(test.outcome)) continue;
    if (wanted.flaky && !test.flaky) continue;
    const text =
      `${test.file} ${test.name} ${test.reason ?? ""} ${test.id ?? ""} ${(test.tags ?? []).join(" ")}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const group = groups.get(test.promise);
    if (group === undefined) groups.set(test.promise, [index]);
    else group.push(index);
  }
  const isBad = (/** @type {number} */ index) => outcomes[data.tests[index]?.outcome ?? "passed"].bad;
  return [...groups]
    .map(([promise, tests]) => ({
      promise,
      tests: [...tests.filter(isBad), ...tests.filter((index) => !isBad(index))],
      bad: tests.some(isBad),
    }))
    .sort((a, b) => Number(b.bad) - Number(a.bad) || a.promise.localeCompare(b.promise));
}
