// SPDX-License-Identifier: MIT
// Frames for the agent: requests with something wrong in their values, their shape, their text, or their length.
import { MAX_FRAME_BYTES } from "../../runner/protocol/generated.ts";
import type { Draw } from "../model/generate/draw.ts";
import { type Json, requests } from "./requests.ts";

/** What a frame carries. */
export interface Frame {
  readonly payload: Buffer;
  /** For a reader. */
  readonly kind: string;
}

/** Far from the numbers of the runner's own requests. */
const firstId = 1_000_000_000;
/** Of those no request of ours may get one by accident. */
const ownIds = 1_000_000;

export function encode({ payload }: Frame): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(payload.length);
  return Buffer.concat([header, payload]);
}

/** The id that an answer to it may have; null is always possible. */
export function idOf({ payload }: Frame): number | undefined {
  try {
    const message: unknown = JSON.parse(payload.toString("utf8"));
    if (typeof message !== "object" || message === null || !("id" in message)) return undefined;
    return typeof message.id === "number" ? message.id : undefined;
  } catch {
    return undefined;
  }
}

export function framesOf(draw: Draw, count: number): Frame[] {
  return Array.from({ length: count }, (_, index) => {
    // Some use the number of the one before, which may be under way.
    const frame = makeFrame(draw, firstId + (draw.percent(10) ? index >> 1 : index));
    const id = idOf(frame);
    const isOwn = id !== undefined && Math.abs(id) < ownIds;
    return isOwn || endsGuest(frame) ? { payload: Buffer.from("{}"), kind: "nothing" } : frame;
  });
}

/** What would end the guest if it were understood, by whatever accident. */
const endsGuest = ({ payload }: Frame): boolean => /poweroff|"renew"/.test(payload.toString("latin1"));

function makeFrame(draw: Draw, id: number): Frame {
  const { method, params } = draw.pick(requests);
  const usual = { id, method, params };
  return draw.weighted<() => Frame>([
    [20, () => told(usual, `${method} as it is`)],
    [35, () => told({ ...usual, params: mutated(draw, params, 3) }, `${method} with other parameters`)],
    [10, () => told(envelope(draw, usual), "a request of another shape")],
    [5, () => told({ ...usual, method: draw.pick(strings) }, "a request for something else")],
    [20, () => ({ payload: damagedText(draw, usual), kind: `${method} in damaged text` })],
    [3, () => ({ payload: nested(draw, id), kind: "nesting" })],
    [3, () => ({ payload: Buffer.from(draw.list(0, 40, () => draw.int(0, 255))), kind: "bytes" })],
    [2, () => ({ payload: twice(draw, usual), kind: "a field that is there twice" })],
    [1, () => ({ payload: large(draw, usual), kind: "a large request" })],
  ])();
}

function told(message: Json, kind: string): Frame {
  return { payload: Buffer.from(JSON.stringify(message)), kind };
}

const strings: readonly string[] = [
  "",
  "\0",
  "a\0b",
  "\ud800",
  "\u{1f600}",
  "é".repeat(300),
  "x".repeat(70_000),
  "../..",
  "/dev/zero",
  "-1",
  "0x",
  "0xffffffffffffffff",
  "18446744073709551616",
  "-9223372036854775809",
  "1e3",
  " 7",
  "true",
  "AAA",
  "====",
  "AAAA====",
  "not base64!",
  "%s%n",
  "kprobe",
  "guest",
];

const numbers: readonly number[] = [
  -1,
  0,
  0.5,
  7.000_000_1,
  -0,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  1e308,
  -1e308,
];

function hostile(draw: Draw): Json {
  return draw.weighted<() => Json>([
    [4, () => draw.pick(strings)],
    [4, () => draw.pick(numbers)],
    [1, () => null],
    [1, () => draw.percent(50)],
    [1, () => []],
    [1, () => ({})],
    [1, () => draw.list(0, 5, () => draw.pick(numbers))],
    [1, () => ({ kind: draw.pick(strings) })],
    [1, () => Array.from({ length: 5_000 }, () => draw.pick(["a", ""]))],
  ])();
}

/** The same with another value somewhere in it. Numbers of handles do not become such as somebody has. */
function mutated(draw: Draw, value: Json, depth: number): Json {
  if (depth === 0 || draw.percent(20)) return hostile(draw);
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    if (items.length === 0 || draw.percent(30)) return [...items, hostile(draw)];
    const at = draw.int(0, items.length - 1);
    return items.map((item, index) => (index === at ? mutated(draw, item, depth - 1) : item));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0 || draw.percent(15))
      return { ...value, [draw.pick(["x", "", "id", "__proto__"])]: hostile(draw) };
    const at = draw.int(0, entries.length - 1);
    if (draw.percent(15)) return Object.fromEntries(entries.toSpliced(at, 1));
    return Object.fromEntries(
      entries.map(([key, item], index) => [key, index === at ? mutated(draw, item, depth - 1) : item]),
    );
  }
  return hostile(draw);
}

function envelope(
  draw: Draw,
  request: { readonly id: number; readonly method: string; readonly params: Json },
): Json {
  const { id, method, params } = request;
  return draw.pick<Json>([
    { id, method },
    { id, params },
    { method, params },
    { id: null, method, params },
    { id: String(id), method, params },
    { id: -id, method, params },
    { id: id + 0.5, method, params },
    { id: 2 ** 53, method, params },
    { id: 2 ** 53 - 1, method, params },
    { id: [id], method, params },
    { id, method: 7, params },
    { id, method: [method], params },
    { id, method, params: [params] },
    { id, method, params: null },
    { id, method, params: JSON.stringify(params) },
    { id, method, params, more: hostile(draw) },
    [id, method, params],
    JSON.stringify(request),
    id,
    null,
    { id, result: {} },
    { id, error: {} },
    { event: "hello", params },
  ]);
}

function damagedText(draw: Draw, request: Json): Buffer {
  let bytes = Buffer.from(JSON.stringify(request));
  for (let left = draw.int(1, 4); left > 0; left -= 1) {
    const at = draw.int(0, Math.max(0, bytes.length - 1));
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    bytes = Buffer.from(
      draw.pick([
        () => Buffer.concat([before, Buffer.from([draw.int(0, 255)]), after.subarray(1)]),
        () =>
          Buffer.concat([
            before,
            Buffer.from(
              draw.pick([
                '"',
                "\\",
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\0",
                "\\u",
                "\\ud800",
                "1e999",
                "-",
                "\n",
              ]),
            ),
            after,
          ]),
        () => Buffer.concat([before, after.subarray(draw.int(1, 8))]),
        () => before,
        () => Buffer.concat([bytes, bytes.subarray(at)]),
        () => Buffer.concat([before, after.subarray(0, 16), after]),
      ])(),
    );
  }
  return bytes;
}

function nested(draw: Draw, id: number): Buffer {
  const depth = draw.pick([100, 127, 128, 129, 1_000, 100_000]);
  const [open, close] = draw.pick([
    ["[", "]"],
    ['{"a":', "}"],
  ] as const);
  const inner = open === "[" ? "" : "1";
  const value = `${open.repeat(depth)}${inner}${draw.percent(50) ? close.repeat(depth) : ""}`;
  return Buffer.from(`{"id":${id},"method":"ping","params":${value}}`);
}

function twice(
  draw: Draw,
  { id, method, params }: { readonly id: number; readonly method: string; readonly params: Json },
): Buffer {
  const again = draw.pick([`"id":${id}`, `"method":"ping"`, `"params":{}`]);
  return Buffer.from(`{"id":${id},"method":"${method}","params":${JSON.stringify(params)},${again}}`);
}

/** As long as a frame may be, and longer. */
function large(draw: Draw, request: Json): Buffer {
  const text = JSON.stringify(request);
  const bytes = draw.pick([1 << 20, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, MAX_FRAME_BYTES + 70_000]);
  return Buffer.concat([Buffer.from(text), Buffer.alloc(bytes - text.length, " ")]);
}
