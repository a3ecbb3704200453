// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { ExitRecord } from "../../runner/protocol/generated.ts";
import type { Program } from "../../runner/test/worker/program.ts";
import { Execution, ExitLog, type PlannedRun, type Site } from "./execute.ts";

const planned: PlannedRun = { trial: 4, entry: "bounded", slot: 48, input: 5n, endsByTime: false };

/** A guest whose exit records are these, with what was seen of the run. */
async function seen(run: (execution: Execution) => void, ...exits: readonly Partial<ExitRecord>[]) {
  const calls = { call: async () => ({ records: exits }) };
  const api = { programs: async () => [] };
  const site = { calls, api, exits: new ExitLog(calls as never) } as unknown as Site;
  const execution = new Execution(site, { maps: [], programs: [] } as unknown as Program, [planned]);
  run(execution);
  const others = await execution.settle();
  const { runs } = await execution.seen();
  return { runs: runs.get(4), others };
}

it("what ran inside of another program has its own exit records, also when the other one returned", async () => {
  const inside = { object: "fuzzed", prog: "inside", pid: 7 };
  const outer = { object: "fuzzed", prog: "tc_bounded", pid: 7 };
  const visitor = { object: "visitors", prog: "lookup", pid: 7 };
  const ran = (execution: Execution) => execution.ranInside(planned);
  expect(await seen(ran, inside)).toEqual({ runs: [{ errno: "ESRCH", exits: [inside] }], others: [] });
  const all = await seen(ran, outer, inside, visitor);
  expect(all).toEqual({ runs: [{ errno: "ESRCH", exits: [inside] }], others: [visitor] });
  expect((await seen(ran)).runs).toEqual([{ errno: "ESRCH", exits: [] }]);
});

it("reads no exit records while packets are received, so that nobody takes those of what ran inside", async () => {
  const inside = { object: "fuzzed", prog: "inside", pid: 7 };
  const unread = [inside];
  const answers: Readonly<Record<string, () => unknown>> = {
    exits: () => ({ records: unread.splice(0) }),
    // Aborted: such runs have exit records.
    testRun: () => ({ retval: 0, dataOut: "" }),
  };
  const calls = { call: async (method: string) => answers[method]?.() };
  const limits = { timeoutMs: 1, tickMs: 1, slackMs: 0 };
  const api = { programs: async () => [] };
  const site = { calls, api, exits: new ExitLog(calls as never), limits, patienceMs: 1 } as unknown as Site;
  const program = { maps: [], programs: [], handle: () => 1 } as unknown as Program;
  const packet: PlannedRun = { ...planned, trial: 5, entry: "xdp_bounded" };
  const execution = new Execution(site, program, [planned, packet]);
  for (let received = 0; received < 200; received++) await execution.receive(packet);
  execution.ranInside(planned);
  expect((await execution.seen()).runs.get(4)).toEqual([{ errno: "ESRCH", exits: [inside] }]);
});
