// SPDX-License-Identifier: MIT
// What a guest's kernel holds beyond what the inventory lists, read by the agent where the kernel shows it. Taken before and after a test
// and compared (leaks.ts).
import type { InventoryResult } from "../../protocol/generated.ts";
import type { GuestCalls } from "./guest-calls.ts";

export interface VmallocUse {
  readonly areas: number;
  readonly bytes: number;
}

export interface Holdings {
  readonly inventory: InventoryResult;
  /** Areas of the vmalloc space by the function that asked for them. */
  readonly vmalloc: ReadonlyMap<string, VmallocUse>;
  /** Probed places: "__x64_sys_dup+0x0". */
  readonly kprobes: readonly string[];
  /** Probes that were made by name, through tracefs. */
  readonly probeEvents: readonly string[];
  readonly devices: readonly string[];
  readonly onlineCpus: readonly number[];
  /** Highest id of a BTF object; 0 without any. */
  readonly lastBtf: number;
  /** What the agent has open, as /proc names it: "anon_inode:bpf-map". */
  readonly files: readonly string[];
  /** Names below the BPF file system. */
  readonly pins: readonly string[];
  /** CPUs that are online and did not run a thread. */
  readonly deafCpus: readonly number[];
}

const texts = {
  vmalloc: "/proc/vmallocinfo",
  kprobes: "/sys/kernel/debug/kprobes/list",
  probeEvents: "/sys/kernel/tracing/kprobe_events",
  devices: "/proc/net/dev",
  online: "/sys/devices/system/cpu/online",
} as const;

/** Of the agent: all of it at once. */
export const holdingsRequest = { texts: Object.values(texts), cpuLimitMs: 5_000 };

/** Takes everything, in one request: each costs a fresh guest dear. */
export async function takeHoldings(calls: GuestCalls): Promise<Holdings> {
  const answer = await calls.call("holdings", holdingsRequest);
  const { slabs, ...inventory } = answer.inventory;
  const text = (name: keyof typeof texts) => answer.texts[texts[name]] ?? "";
  return {
    // KASAN keeps what is freed in quarantine; there kmemleak is the one to ask.
    inventory: slabs === undefined || calls.config?.has("KASAN") ? inventory : { ...inventory, slabs },
    vmalloc: parseVmalloc(text("vmalloc")),
    kprobes: parseKprobes(text("kprobes")),
    probeEvents: nonEmpty(text("probeEvents")),
    devices: nonEmpty(text("devices")).flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []),
    onlineCpus: parseCpuList(text("online")),
    lastBtf: answer.lastBtf,
    files: answer.openFiles,
    pins: answer.pins,
    deafCpus: answer.deafCpus,
  };
}

/** "0x…-0x…   8192 f+0x1/0x2 pages=1 vmalloc" */
export function parseVmalloc(text: string): Map<string, VmallocUse> {
  const uses = new Map<string, VmallocUse>();
  for (const line of text.split("\n")) {
    const [, bytes, caller] = /^0x\S+\s+(\d+) ([^\s+]+)\+0x/.exec(line) ?? [];
    if (bytes === undefined || caller === undefined) continue;
    const { areas, bytes: sum } = uses.get(caller) ?? { areas: 0, bytes: 0 };
    uses.set(caller, { areas: areas + 1, bytes: sum + Number(bytes) });
  }
  return uses;
}

/** "ffffffff81103ac0  k  __x64_sys_dup+0x0    [FTRACE]" */
export function parseKprobes(text: string): string[] {
  return nonEmpty(text).flatMap((line) => /^\S+\s+[kr]\s+(\S+)/.exec(line)?.[1] ?? []);
}

/** "0-2,5" → 0, 1, 2, 5 */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(",")
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

function nonEmpty(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
