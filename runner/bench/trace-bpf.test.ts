// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { parseBpfCalls } from "./trace-bpf.ts";

it("pairs entries and exits thread by thread", () => {
  const trace = `
         bpftool-123     [000] .....     5.000100: sys_bpf(cmd: 5, uattr: 7ffc91cd1f30, size: 94)
           agent-7       [001] .....     5.000150: sys_bpf(cmd: 5200, uattr: 7f0000000000, size: 98)
         bpftool-123     [000] .....     5.000400: sys_bpf -> 0x3
           agent-7       [001] .....     6.000000: sys_bpf -> 0xffffffffffffffff
`;
  expect(parseBpfCalls(trace)).toEqual([
    { command: 5, durationNs: 300_000 },
    { command: 0x5200, durationNs: 999_850_000 },
  ]);
});

it("leaves out what has no beginning, no end, or is something else", () => {
  const trace = `
           agent-7       [000] .....     1.000000: sys_bpf -> 0x0
           agent-7       [000] .....     1.000001: bpf_trace_printk: sys_bpf(cmd: 5, of a program
           agent-7       [000] .....     1.000002: sys_bpf(cmd: 1, uattr: 0, size: 0)
`;
  expect(parseBpfCalls(trace)).toEqual([]);
});
