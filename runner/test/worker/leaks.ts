// SPDX-License-Identifier: MIT
// What a kernel holds after a test and did not before it. Pure: the holdings come from holdings.ts.
import type { InventoryResult, InventorySlab } from "../../protocol/generated.ts";
import type { Holdings } from "./holdings.ts";

export interface Leak {
  /** Names the thing, the same in every comparison: "program 12". */
  readonly key: string;
  readonly message: string;
}

/** Everything that can be told from two holdings. */
export function leaks(before: Holdings, after: Holdings): Leak[] {
  return [
    ...inventoryLeaks(before.inventory, after.inventory),
    ...named("pin", before.pins, after.pins),
    ...named("kprobe at", before.kprobes, after.kprobes),
    ...named("probe event", before.probeEvents, after.probeEvents),
    ...named("network device", before.devices, after.devices),
    ...btfLeaks(before.lastBtf, after.lastBtf),
    ...fileLeaks(before, after),
    ...vmallocLeaks(before, after),
    ...slabLeaks(before.inventory.slabs ?? [], after.inventory.slabs ?? []),
    ...cpuLeaks(before, after),
  ];
}

/** What the runtime and the BPF subsystem say they hold. */
export function inventoryLeaks(before: InventoryResult, after: InventoryResult): Leak[] {
  return [
    ...numbered("program", before.progs, after.progs),
    ...numbered("map", before.maps, after.maps),
    ...numbered("link", before.links, after.links),
    ...heldLeaks(before.rexStats, after.rexStats),
    ...(["objects", "programs"] as const).flatMap((key) => {
      const more = grown(before.rexStats, after.rexStats, key);
      const message = `the Rex runtime still counts ${more} more ${key} than before the test`;
      return more > 0 ? [{ key: `rex ${key}`, message }] : [];
    }),
  ];
}

type Stats = InventoryResult["rexStats"];

/** How often a program returned with something still acquired, or with preemption, interrupts, locks or RCU not as it found them. */
export function heldResources(stats: Stats): number {
  return (stats?.["unreleased"] ?? 0) + (stats?.["unbalanced"] ?? 0);
}

function heldLeaks(before: Stats, after: Stats): Leak[] {
  const unreleased = grown(before, after, "unreleased");
  const unbalanced = grown(before, after, "unbalanced");
  return [
    ...(unreleased > 0
      ? [
          {
            key: "cleanup slots",
            message: `programs returned with ${unreleased} cleanup slots still taken: they had not given back what they had acquired`,
          },
        ]
      : []),
    ...(unbalanced > 0
      ? [
          {
            key: "balance",
            message: `programs returned ${unbalanced} times with preempt count, interrupts, RCU or held locks not as they had found them`,
          },
        ]
      : []),
  ];
}

function grown(before: Stats, after: Stats, key: string): number {
  return (after?.[key] ?? 0) - (before?.[key] ?? 0);
}

function numbered(
  what: string,
  old: readonly { id: number }[],
  now: readonly { id: number; name?: string; type: string }[],
): Leak[] {
  const ids = new Set(old.map(({ id }) => id));
  return now
    .filter(({ id }) => !ids.has(id))
    .map(({ id, name, type }) => ({
      key: `${what} ${id}`,
      message: `left behind in the kernel: ${what} ${id}${name ? ` "${name}"` : ""} of type ${type}`,
    }));
}

function named(what: string, old: readonly string[], now: readonly string[]): Leak[] {
  return added(old, now).map((name) => ({
    key: `${what} ${name}`,
    message: `left behind in the kernel: ${what} ${name}`,
  }));
}

/** Elements of `now` beyond those of `old`, each as often as there are more of it. */
function added(old: readonly string[], now: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const name of old) left.set(name, (left.get(name) ?? 0) + 1);
  return now.filter((name) => {
    const count = left.get(name) ?? 0;
    left.set(name, count - 1);
    return count <= 0;
  });
}

function btfLeaks(before: number, after: number): Leak[] {
  if (after <= before) return [];
  return [{ key: `BTF ${after}`, message: `left behind in the kernel: BTF object ${after}` }];
}

/** Opened once, when it is first asked for, and kept by the agent. */
const keptOpen = /^\/sys\/kernel\/tracing\/trace_pipe$|^\/host\b/;

function fileLeaks(before: Holdings, after: Holdings): Leak[] {
  return added(before.files, after.files)
    .filter((target) => !keptOpen.test(target))
    .map((target) => ({
      key: `file ${target}`,
      message: `the agent still has a file descriptor open: ${target || "of something without a name"}`,
    }));
}

/**
 * Whose areas are what a test of programs can leak; others come and go with threads and devices. The allocator of machine code keeps
 * what it has once packed programs into, and XDP's dispatcher its page, which without frame pointers is in its own name.
 */
const ofPrograms =
  /^(?:__)?(?:rex|bpf(?!_jit_alloc_exec|_prog_pack|_dispatcher_change_prog)|ringbuf|array|htab|trie|dev_map|stack_map|perf|rb|prog)_/;

function vmallocLeaks(before: Holdings, after: Holdings): Leak[] {
  return [...after.vmalloc].flatMap(([caller, { areas, bytes }]) => {
    const old = before.vmalloc.get(caller) ?? { areas: 0, bytes: 0 };
    if (!ofPrograms.test(caller) || areas <= old.areas) return [];
    const what = `${areas - old.areas} vmalloc areas of ${caller} (${bytes - old.bytes} bytes)`;
    return [{ key: `vmalloc ${caller}`, message: `left behind in the kernel: ${what}` }];
  });
}

/** Caches move by themselves, by some slabs per CPU; what grows by more than this in one test is leaking. */
const slabNoiseObjects = 1_000;
const slabNoiseBytes = 2 * 1024 * 1024;

function slabLeaks(before: readonly InventorySlab[], after: readonly InventorySlab[]): Leak[] {
  const old = new Map(before.map(({ name, active }) => [name, active]));
  return after.flatMap(({ name, active, objectBytes }) => {
    const more = active - (old.get(name) ?? 0);
    if (more <= slabNoiseObjects && more * objectBytes <= slabNoiseBytes) return [];
    return [
      { key: `slab ${name}`, message: `left behind in the kernel: ${more} objects of slab cache ${name}` },
    ];
  });
}

function cpuLeaks(before: Holdings, after: Holdings): Leak[] {
  return [
    ...before.onlineCpus
      .filter((cpu) => !after.onlineCpus.includes(cpu))
      .map((cpu) => ({ key: `CPU ${cpu}`, message: `CPU ${cpu} was left offline` })),
    ...after.deafCpus.map((cpu) => ({
      key: `CPU ${cpu}`,
      message: `CPU ${cpu} does not get to run threads: something on it does not end`,
    })),
  ];
}
