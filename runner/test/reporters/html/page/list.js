// SPDX-License-Identifier: MIT
// The tests by promise. Rows are made as they come into view, so that thousands of them cost what a screenful does.
import { detailsView } from "./details.js";
import { duration, element } from "./dom.js";
import { outcomes, select } from "./model.js";

/** @typedef {import("../data.ts").ReportData} ReportData */
/** @typedef {import("../data.ts").ReportTest} ReportTest */
/** @typedef {import("./model.js").Wanted} Wanted */

const chunk = 100;

/**
 * @param {ReportData} data
 * @param {HTMLElement} list where it is shown
 */
export function testList(data, list) {
  /** @type {Set<string>} */
  const folded = new Set();
  /** @type {IntersectionObserver | undefined} */
  let observer;

  /** @param {Wanted} wanted */
  function show(wanted) {
    observer?.disconnect();
    list.replaceChildren();
    const groups = select(data, wanted);
    if (groups.length === 0) list.append(element("p.empty", null, "no test is like that"));
    const rest = rows(groups, wanted);
    const end = element("div.end");
    list.append(end);
    const more = () => {
      for (let count = 0; count < chunk; count += 1) {
        const next = rest.next();
        if (next.done) {
          observer?.disconnect();
          end.remove();
          return;
        }
        end.before(next.value);
      }
    };
    observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        more();
        // It is told of changes only: one that stays in view has to be looked at anew.
        observer?.unobserve(end);
        if (end.isConnected) observer?.observe(end);
      },
      { rootMargin: "600px" },
    );
    more();
    if (end.isConnected) observer.observe(end);
  }

  /**
   * @param {ReturnType<typeof select>} groups
   * @param {Wanted} wanted
   */
  function* rows(groups, wanted) {
    for (const { promise, tests } of groups) {
      const isFolded = folded.has(promise);
      const toggle = () => {
        if (isFolded) folded.delete(promise);
        else folded.add(promise);
        show(wanted);
      };
      yield groupRow(data, promise, tests, isFolded, toggle);
      if (isFolded) continue;
      for (const index of tests) {
        const test = data.tests[index];
        if (test !== undefined) yield testRow(test, index);
      }
    }
  }
  return { show };
}

/**
 * @param {ReportData} data
 * @param {string} promise
 * @param {readonly number[]} tests
 * @param {boolean} isFolded
 * @param {() => void} toggle
 */
function groupRow(data, promise, tests, isFolded, toggle) {
  const bad = tests.filter((index) => outcomes[data.tests[index]?.outcome ?? "passed"].bad).length;
  return element(
    "h2",
    null,
    element(
      "button.group",
      { type: "button", "aria-expanded": String(!isFolded), click: toggle },
      element("span.name", null, promise),
      element("span.count", null, String(tests.length)),
      bad > 0 && element("span.count.bad", null, `${bad} not passed`),
    ),
  );
}

/**
 * @param {ReportTest} test
 * @param {number} index
 */
export function testRow(test, index) {
  const { mark, words } = outcomes[test.outcome];
  const row = element(`div.test.${test.outcome}`, { id: `test-${index}` });
  const button = element(
    "button.row",
    {
      type: "button",
      "aria-expanded": "false",
      click: () => open(button.getAttribute("aria-expanded") !== "true"),
    },
    element("span.mark", { title: words, "aria-label": words }, mark),
    element("span.name", null, test.name),
    test.flaky === true && element("span.tag.flaky", null, "flaky"),
    ...(test.tags ?? []).map((tag) => element("span.tag", null, tag)),
    element("span.file", null, test.file.split("/").at(-1) ?? "", test.line !== undefined && `:${test.line}`),
    element("span.ms", null, test.outcome === "ignored" ? "" : duration(test.durationMs)),
    test.reason !== undefined && element("span.why", null, test.reason),
  );
  /** @param {boolean} wanted */
  function open(wanted) {
    button.setAttribute("aria-expanded", String(wanted));
    if (!wanted) row.querySelector(".panel")?.remove();
    else if (row.querySelector(".panel") === null) row.append(detailsView(test, index));
    if (wanted) history.replaceState(null, "", `#test-${index}`);
  }
  row.addEventListener("open-test", () => open(true));
  row.append(button);
  return row;
}
