// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { type Schedule, scheduleAt, simplerSchedules } from "./schedule.ts";

const batches = Array.from({ length: 60 }, (_, batch) => batch);

describe("scheduleAt", () => {
  it("gives some batches a schedule, the same whenever it is asked", () => {
    const all = batches.map((batch) => scheduleAt(7, batch));
    expect(batches.map((batch) => scheduleAt(7, batch))).toEqual(all);
    expect(batches.map((batch) => scheduleAt(8, batch))).not.toEqual(all);
    const found = all.filter((schedule) => schedule !== undefined);
    expect(found.length).toBe(20);
    const kinds = new Set(found.flatMap(({ visitors }) => visitors.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(["clock", "detach", "lookup", "memory", "nested", "reload"]);
    for (const { visitors } of found)
      expect(new Set(visitors.map(({ kind }) => kind)).size).toBe(visitors.length);
  });
});

describe("simplerSchedules", () => {
  it("lead to what matters: nothing else is left", () => {
    const from: Schedule = {
      lanes: 2,
      neighbour: true,
      visitors: [
        { kind: "reload" },
        { kind: "clock", cpu: 1, periodUs: 1_000, deed: "panic" },
        { kind: "lookup", deed: "hold" },
      ],
    };
    const matters = (schedule: Schedule | undefined) =>
      schedule?.visitors.some((visitor) => visitor.kind === "clock" && visitor.deed === "panic") ?? false;
    let best: Schedule = from;
    for (;;) {
      const next: Schedule | undefined = simplerSchedules(best).find(matters);
      if (next === undefined) break;
      best = next;
    }
    expect(best).toEqual({ lanes: 1, neighbour: false, visitors: [from.visitors[1]] });
    expect([...simplerSchedules(best)][0]).toBeUndefined();
  });
});
