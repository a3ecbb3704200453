// SPDX-License-Identifier: MIT
// Lines over time as SVG: an axis for the time, one for the values, a colour for each campaign.
import { duration, element } from "../../../runner/test/reporters/html/page/dom.js";

/** @typedef {{ readonly name: string, readonly points: readonly (readonly [ms: number, value: number])[] }} Series */

const namespace = "http://www.w3.org/2000/svg";
const size = { width: 560, height: 190, left: 58, right: 12, top: 12, bottom: 26 };
/** Campaigns in one plot that can be told apart by their colours. */
const colours = 6;

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
function svg(tag, attributes, ...children) {
  const made = document.createElementNS(namespace, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/**
 * Numbers at which the axis has a line: 0 and three to six round ones.
 * @param {number} most
 */
export function ticks(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** @param {number} value */
function short(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(4))} M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(4))} k`;
  return String(Number(value.toPrecision(4)));
}

/**
 * @param {string} title
 * @param {readonly Series[]} all
 */
export function plot(title, all) {
  const series = all.filter(({ points }) => points.length > 1);
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return undefined;
  const lastMs = Math.max(...points.map(([ms]) => ms), 1);
  const values = ticks(Math.max(...points.map(([, value]) => value)) || 1);
  const most = values.at(-1) ?? 1;
  const x = (/** @type {number} */ ms) => size.left + (ms / lastMs) * (size.width - size.left - size.right);
  const y = (/** @type {number} */ value) =>
    size.height - size.bottom - (value / most) * (size.height - size.top - size.bottom);
  const grid = values.flatMap((value) => [
    svg("line", { class: "grid", x1: size.left, x2: size.width - size.right, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", x: size.left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
  ]);
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    svg(
      "text",
      {
        class: "tick",
        x: x(part * lastMs),
        y: size.height - 8,
        "text-anchor": part === 1 ? "end" : "middle",
      },
      duration(Math.round(part * lastMs)),
    ),
  );
  const lines = series.map((one, at) => {
    const path = one.points.map(([ms, value]) => `${x(ms).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    const line = svg("polyline", { class: `series colour-${at % colours}`, points: path });
    line.append(svg("title", {}, `${one.name}: ${short(one.points.at(-1)?.[1] ?? 0)} at the end`));
    return line;
  });
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": title },
    ...grid,
    ...times,
    ...lines,
  );
  return element("figure.plot", null, element("figcaption", null, title), picture);
}

/**
 * Which colour is which campaign.
 * @param {readonly string[]} names
 */
export function legend(names) {
  return element(
    "p.legend",
    null,
    ...names.map((name, at) => element(`span.key.colour-${at % colours}`, null, name)),
  );
}
