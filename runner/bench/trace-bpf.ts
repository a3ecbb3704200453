// SPDX-License-Identifier: MIT
// Times calls of bpf(2) from the inside, by the trace events of system calls. The kernel prints microseconds.
import type { BenchGuest } from "./guest.ts";

const tracing = "/sys/kernel/tracing";
const event = /^\s*(\S+)-(\d+)\s+\[\d+\].*?\s(\d+)\.(\d{6}): (.*)$/;

export interface BpfCall {
  readonly command: number;
  readonly durationNs: number;
}

/** Has the kernel trace them from now on. */
export async function traceBpfCalls(guest: BenchGuest): Promise<void> {
  for (const name of ["sys_enter_bpf", "sys_exit_bpf"])
    await guest.api.writeFile(`${tracing}/events/syscalls/${name}/enable`, "1\n");
  await guest.api.traceRead();
}

/** The calls that somebody makes meanwhile, in the order in which they returned. */
export async function bpfCalls(guest: BenchGuest, action: () => Promise<void>): Promise<readonly BpfCall[]> {
  await guest.api.traceRead();
  await action();
  return parseBpfCalls(await guest.api.traceRead());
}

/** Pairs the entry and the exit of each call, thread by thread. */
export function parseBpfCalls(trace: string): BpfCall[] {
  const entered = new Map<string, { readonly command: number; readonly atUs: number }>();
  const calls: BpfCall[] = [];
  for (const line of trace.split("\n")) {
    const [, , thread, seconds, micros, text] = event.exec(line) ?? [];
    if (thread === undefined || text === undefined) continue;
    const atUs = Number(seconds) * 1e6 + Number(micros);
    const command = /^sys_bpf\(cmd: ([0-9a-f]+),/.exec(text)?.[1];
    const entry = entered.get(thread);
    if (command !== undefined) entered.set(thread, { command: Number.parseInt(command, 16), atUs });
    else if (entry !== undefined && text.startsWith("sys_bpf -> ")) {
      entered.delete(thread);
      calls.push({ command: entry.command, durationNs: (atUs - entry.atUs) * 1e3 });
    }
  }
  return calls;
}
