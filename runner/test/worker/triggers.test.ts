// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { stormCalls, timerCall } from "./triggers.ts";

it("spreads a storm over the CPUs", () => {
  const calls = stormCalls({ syscall: "dup", args: [1], repeat: 9, threads: 3 }, [0, 2]);
  expect(calls.map(({ cpu }) => cpu)).toEqual([0, 2, 0]);
  expect(calls[0]).toEqual({ syscall: "dup", args: [1], repeat: 9, cpu: 0 });
  expect(stormCalls({ syscall: "getpid" }, [0, 1])).toHaveLength(2);
  expect(() => stormCalls({ syscall: "getpid", threads: 65 }, [0])).toThrow(/threads is 65/);
});

it("writes a timespec", () => {
  const { args = [] } = timerCall(1_500_000, {});
  const [time] = args as [Buffer];
  expect([time.readBigInt64LE(0), time.readBigInt64LE(8)]).toEqual([1n, 500_000_000n]);
  expect(() => timerCall(0.5, {})).toThrow(/0\.5 µs/);
});
