// SPDX-License-Identifier: MIT
// The head of the page with its filters, and what is open at first.
import { duration, element } from "./dom.js";
import { testList } from "./list.js";
import { outcomes, readReport } from "./model.js";

/** @typedef {import("../data.ts").ReportData} ReportData */
/** @typedef {import("../data.ts").ShownOutcome} ShownOutcome */

const data = readReport();
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const header = /** @type {HTMLElement} */ (document.getElementById("header"));
const rowsElement = element("div.list");
const list = testList(data, rowsElement);
/** @type {{ outcomes: Set<ShownOutcome>, flaky: boolean, text: string }} */
const wanted = { outcomes: new Set(), flaky: false, text: "" };

function refresh() {
  list.show(wanted);
}

/**
 * @param {string} label
 * @param {string} kind
 * @param {number} count
 * @param {() => boolean} toggle returns whether it is on
 */
function filterButton(label, kind, count, toggle) {
  const button = element(
    `button.filter.${kind}`,
    {
      type: "button",
      "aria-pressed": "false",
      click: () => {
        button.setAttribute("aria-pressed", String(toggle()));
        refresh();
      },
    },
    element("b", null, String(count)),
    ` ${label}`,
  );
  return button;
}

/** @param {ShownOutcome} kind */
function toggleOutcome(kind) {
  if (!wanted.outcomes.delete(kind)) wanted.outcomes.add(kind);
  return wanted.outcomes.has(kind);
}

function filters() {
  const buttons = [];
  for (const [kind, { words }] of Object.entries(outcomes)) {
    const outcome = /** @type {ShownOutcome} */ (kind);
    const count = data.tests.filter((test) => test.outcome === outcome).length;
    if (count > 0) buttons.push(filterButton(words, kind, count, () => toggleOutcome(outcome)));
  }
  const flaky = data.tests.filter((test) => test.flaky === true).length;
  const toggleFlaky = () => {
    wanted.flaky = !wanted.flaky;
    return wanted.flaky;
  };
  if (flaky > 0) buttons.push(filterButton("flaky", "flaky", flaky, toggleFlaky));
  return buttons;
}

function searchField() {
  const field = /** @type {HTMLInputElement} */ (
    element("input", {
      type: "search",
      placeholder: "name, file, reason, id   ( / )",
      "aria-label": "filter by text",
    })
  );
  field.addEventListener("input", () => {
    wanted.text = field.value;
    refresh();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    field.focus();
  });
  return field;
}

function themeButton() {
  const button = element(
    "button.theme",
    { type: "button", title: "light or dark", click: () => change() },
    "◐",
  );
  function change() {
    const isDark =
      getComputedStyle(document.documentElement).colorScheme.startsWith("dark") ||
      (document.documentElement.dataset["theme"] === undefined &&
        matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset["theme"] = isDark ? "light" : "dark";
  }
  return button;
}

function facts() {
  const { kernel, machine, jobs, durationMs, createdAt, shuffleSeed, interrupted, stopped } = data;
  return [
    kernel && `kernel ${kernel}`,
    machine && `${jobs} guests at a time (${machine})`,
    `took ${duration(durationMs)}`,
    new Date(createdAt).toLocaleString(),
    shuffleSeed !== undefined && `shuffled with the seed ${shuffleSeed}`,
    interrupted && "interrupted",
    stopped,
  ].filter((fact) => typeof fact === "string" && fact !== "");
}

header.append(
  element(
    "div.top",
    null,
    element("h1", null, "rex-test"),
    element("p.facts", null, facts().join("  ·  ")),
    themeButton(),
  ),
  element("div.filters", null, ...filters(), searchField()),
);
const bad = data.tests.some((test) => outcomes[test.outcome].bad);
document.title = `${bad || data.stray.length > 0 ? "✗" : "✓"} rex-test report`;
main.replaceChildren(
  ...data.stray.map((text) =>
    element("div.stray", null, element("b", null, "Outside of any test"), element("pre.reason", null, text)),
  ),
  rowsElement,
);
refresh();
if (/^#test-\d+$/.test(location.hash)) {
  const target = document.getElementById(location.hash.slice(1));
  target?.dispatchEvent(new Event("open-test"));
  target?.scrollIntoView();
}
