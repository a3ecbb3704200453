// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { InventoryResult } from "../../protocol/generated.ts";
import { type Holdings, parseCpuList, parseKprobes, parseVmalloc } from "./holdings.ts";
import { leaks } from "./leaks.ts";

const program = { tag: "", jitedBytes: 0, mapIds: [], runCount: 0, runTimeNs: 0, recursionMisses: 0 };
const map = { keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const inventory: InventoryResult = {
  progs: [],
  maps: [],
  links: [],
  modules: [],
  taint: 0,
  taintFlags: [],
  handles: { objects: [], links: [] },
};
const nothing: Holdings = {
  inventory,
  vmalloc: new Map(),
  kprobes: [],
  probeEvents: [],
  devices: ["lo"],
  onlineCpus: [0, 1],
  lastBtf: 0,
  files: ["/dev/null", "anon_inode:[eventpoll]"],
  pins: [],
  deafCpus: [],
};

function messages(more: Partial<Holdings>, before: Partial<Holdings> = {}): string[] {
  return leaks({ ...nothing, ...before }, { ...nothing, ...more }).map(({ message }) => message);
}

describe("leaks", () => {
  it("finds none where nothing has changed", () => {
    expect(messages({})).toEqual([]);
  });

  it("names programs, maps and links that were not there before", () => {
    const before = { ...inventory, progs: [{ ...program, id: 1, name: "old", type: "kprobe" }] };
    const after = {
      ...before,
      progs: [...before.progs, { ...program, id: 2, name: "new", type: "kprobe" }],
      maps: [{ ...map, id: 5, name: "MAP", type: "array" }],
      links: [{ id: 9, type: "perf_event", progId: 2 }],
    };
    expect(messages({ inventory: after }, { inventory: before })).toEqual([
      'left behind in the kernel: program 2 "new" of type kprobe',
      'left behind in the kernel: map 5 "MAP" of type array',
      "left behind in the kernel: link 9 of type perf_event",
    ]);
  });

  it("tells what the runtime counted: cleanup slots, balance, objects", () => {
    const before = { ...inventory, rexStats: { unreleased: 1, unbalanced: 0, objects: 0, programs: 0 } };
    const after = { ...inventory, rexStats: { unreleased: 3, unbalanced: 1, objects: 1, programs: 0 } };
    expect(messages({ inventory: after }, { inventory: before })).toEqual([
      "programs returned with 2 cleanup slots still taken: they had not given back what they had acquired",
      "programs returned 1 times with preempt count, interrupts, RCU or held locks not as they had found them",
      "the Rex runtime still counts 1 more objects than before the test",
    ]);
  });

  it.each<[string, Partial<Holdings>]>([
    ["pin /sys/fs/bpf/mine", { pins: ["/sys/fs/bpf/mine"] }],
    ["kprobe at f+0x0", { kprobes: ["f+0x0"] }],
    ["probe event p:kprobes/mine f", { probeEvents: ["p:kprobes/mine f"] }],
    ["network device veth0", { devices: ["lo", "veth0"] }],
    ["BTF object 3", { lastBtf: 3 }],
    [
      "2 vmalloc areas of bpf_map_area_alloc (16384 bytes)",
      { vmalloc: new Map([["bpf_map_area_alloc", { areas: 2, bytes: 16384 }]]) },
    ],
  ])("names a left-over %s", (thing, after) => {
    expect(messages(after)).toEqual([`left behind in the kernel: ${thing}`]);
  });

  it("names what the agent has open, a perf event as well, as often as there are more", () => {
    const files = [
      ...nothing.files,
      "/dev/null",
      "anon_inode:[perf_event]",
      "/sys/kernel/tracing/trace_pipe",
    ];
    expect(messages({ files })).toEqual([
      "the agent still has a file descriptor open: /dev/null",
      "the agent still has a file descriptor open: anon_inode:[perf_event]",
    ]);
  });

  it("looks past what threads and the allocator of code keep", () => {
    const use = { areas: 1, bytes: 8192 };
    const vmalloc = new Map([
      ["dup_task_struct", use],
      ["bpf_jit_alloc_exec", use],
      ["bpf_dispatcher_change_prog", use],
    ]);
    expect(messages({ vmalloc })).toEqual([]);
  });

  it("tells a slab cache that grows by more than caches move", () => {
    const cache = { name: "kmalloc-64", total: 0, objectBytes: 64 };
    const slabs = (active: number) => ({ inventory: { ...inventory, slabs: [{ ...cache, active }] } });
    expect(messages(slabs(600), slabs(100))).toEqual([]);
    expect(messages(slabs(1600), slabs(100))).toEqual([
      "left behind in the kernel: 1500 objects of slab cache kmalloc-64",
    ]);
  });

  it("tells CPUs that are gone or busy for ever, not new ones", () => {
    expect(messages({ onlineCpus: [0, 1, 2] })).toEqual([]);
    expect(messages({ onlineCpus: [0], deafCpus: [0] })).toEqual([
      "CPU 1 was left offline",
      "CPU 0 does not get to run threads: something on it does not end",
    ]);
  });
});

describe("what the kernel writes", () => {
  it("reads vmallocinfo, the list of kprobes, and lists of CPUs", () => {
    const text = [
      "0x0000000024-0x0000000092    8192 acpi_os_map_iomem+0x21d/0x290 phys=0x00000000000ef000 ioremap",
      "0x00000000c8-0x00000000a3   36864 rex_map+0x108/0x4e0 pages=8 vmalloc",
      "0x00000000f3-0x0000000028   36864 rex_map+0x108/0x4e0 pages=8 vmalloc",
      "0x00000000a3-0x00000000c2   16384 unpurged vm_area",
    ].join("\n");
    expect([...parseVmalloc(text)]).toEqual([
      ["acpi_os_map_iomem", { areas: 1, bytes: 8192 }],
      ["rex_map", { areas: 2, bytes: 73728 }],
    ]);
    expect(parseKprobes("ffffffff81103ac0  k  __x64_sys_dup+0x0    [FTRACE]\n")).toEqual([
      "__x64_sys_dup+0x0",
    ]);
    expect(parseCpuList("0-2,5\n")).toEqual([0, 1, 2, 5]);
  });
});
