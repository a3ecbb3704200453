// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classifyLog, SplatClassifier } from "./splat.ts";
import { type SplatKind, splatPatterns } from "./splat-patterns.ts";

const consoles = new URL("../../../fixtures/consoles/", import.meta.url);

/** What is in each log of the corpus. A log without an entry here fails the test. */
const corpus: Readonly<Record<string, readonly SplatKind[]>> = {
  "panic-sysrq.log": ["panic"],
  "init-exits.log": ["panic"],
  "init-segfault.log": ["panic"],
  "oom.log": ["oom", "oom"],
  "backtraces-on-request.log": [],
  "rex-graceful-exit.log": [],
  "rex-endless-loop.log": ["rcu-stall"],
};

describe("the corpus of real console logs", () => {
  const names = readdirSync(consoles).filter((name) => name.endsWith(".log"));

  it("is described completely", () => {
    expect(names.sort()).toEqual(Object.keys(corpus).sort());
  });

  for (const name of names) {
    it(name, () => {
      const lines = readFileSync(new URL(name, consoles), "utf8").split("\n");
      expect(classifyLog(lines).map(({ kind }) => kind)).toEqual(corpus[name]);
    });
  }
});

/** First lines as the kernel's format strings make them, by the kind that they are to be. */
const firstLines: readonly (readonly [SplatKind, string])[] = [
  ["kasan", "BUG: KASAN: slab-use-after-free in rex_map_lookup_elem+0x12/0x40"],
  ["kfence", "BUG: KFENCE: out-of-bounds read in f+0x1/0x2"],
  ["kcsan", "BUG: KCSAN: data-race in f / g"],
  ["ubsan", "UBSAN: array-index-out-of-bounds in kernel/rex/elf.c:12:3"],
  ["soft-lockup", "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [rex-agent:42]"],
  ["hard-lockup", "watchdog: Watchdog detected hard LOCKUP on cpu 1"],
  ["workqueue-lockup", "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 33s!"],
  ["rcu-stall", "rcu: INFO: rcu_sched self-detected stall on CPU"],
  ["rcu-stall", "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"],
  ["rcu-stall", "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 1-.... }"],
  ["hung-task", "INFO: task rex-agent:42 blocked for more than 120 seconds."],
  ["sleep-in-atomic", "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580"],
  ["sleep-in-atomic", "BUG: scheduling while atomic: rex-agent/42/0x00000002"],
  ["sleep-in-atomic", "BUG: using smp_processor_id() in preemptible [00000000] code: rex-agent/42"],
  ["lockdep", "WARNING: possible circular locking dependency detected"],
  ["lockdep", "WARNING: inconsistent lock state"],
  ["lockdep", "WARNING: suspicious RCU usage"],
  ["lockdep", "WARNING: bad unlock balance detected!"],
  ["lockdep", "[ BUG: Invalid wait context ]"],
  ["stack-guard", "BUG: TASK stack guard page was hit at 00000000deadbeef (stack is 0..1)"],
  ["double-fault", "PANIC: double fault, error_code: 0x0"],
  ["page-fault", "BUG: kernel NULL pointer dereference, address: 0000000000000008"],
  ["page-fault", "BUG: unable to handle page fault for address: ffffc90000abc000"],
  [
    "general-protection",
    "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP",
  ],
  ["general-protection", "general protection fault: 0000 [#1] SMP NOPTI"],
  ["kernel-bug", "kernel BUG at kernel/rex/object.c:99!"],
  ["bad-page", "BUG: Bad page state in process rex-agent  pfn:01234"],
  ["list-corruption", "list_del corruption, ffff888003a1bf58->next is LIST_POISON1"],
  ["oops", "Oops: divide error: 0000 [#1] PREEMPT SMP"],
  ["oops", "divide error: 0000 [#1] SMP"],
  ["panic", "Kernel panic - not syncing: Fatal exception"],
  ["refcount", "refcount_t: underflow; use-after-free."],
  ["kmemleak", "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"],
  ["oom", "rex-agent invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"],
  ["bug", "BUG: something that has no row of its own"],
  ["warning", "WARNING: CPU: 1 PID: 42 at kernel/rex/dispatch.c:77 rex_dispatcher_func+0x12/0x34"],
];

describe("SplatClassifier", () => {
  for (const [kind, line] of firstLines) {
    it(`knows ${kind}: ${line}`, () => {
      expect(new SplatClassifier().feed(`[   12.345678] ${line}`)?.kind).toBe(kind);
    });
  }

  it("has an example of every kind, or says which it lacks", () => {
    const shown = new Set([...firstLines.map(([kind]) => kind)]);
    const missing = splatPatterns.map(({ kind }) => kind).filter((kind) => !shown.has(kind));
    expect(missing).toEqual(["kmsan", "netdev-leak"]);
  });

  it("takes what names itself twice for one", () => {
    const splats = classifyLog([
      "[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000008",
      "[    1.0] #PF: supervisor read access in kernel mode",
      "[    1.0] Oops: Oops: 0000 [#1] PREEMPT SMP",
      "[    1.0] RIP: 0010:f+0x1/0x2",
      "[    1.1] ---[ end trace 0000000000000000 ]---",
      "[    1.2] Kernel panic - not syncing: Fatal exception",
    ]);
    expect(splats.map(({ kind }) => kind)).toEqual(["page-fault", "panic"]);
    expect(splats[0]?.lines).toHaveLength(5);
  });

  it("begins a WARN at its cut line and ends it at its end line", () => {
    const [splat] = classifyLog([
      "[    1.0] ordinary",
      "[    1.0] ------------[ cut here ]------------",
      "[    1.0] WARNING: CPU: 1 PID: 42 at kernel/x.c:7 f+0x12/0x34",
      "[    1.0] Modules linked in:",
      "[    1.0] ---[ end trace 0000000000000000 ]---",
      "[    1.1] ordinary again",
    ]);
    expect(splat).toMatchObject({ kind: "warning", firstLine: 1, title: "WARNING: at kernel/x.c:7 f" });
    expect(splat?.lines).toHaveLength(4);
  });

  it("gives the same title whatever the addresses and CPUs", () => {
    const title = (line: string) => classifyLog([line])[0]?.title;
    expect(title("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:42]")).toBe(
      title("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [a:42]"),
    );
    expect(title("BUG: unable to handle page fault for address: ffffc90000abc000")).toBe(
      title("BUG: unable to handle page fault for address: ffffc90000def000"),
    );
  });

  it("believes neither the agent nor a panicking program that say BUG", () => {
    expect(
      classifyLog([
        "rex-agent: BUG: not the kernel's",
        "[    1.0] rex: program p (id 1) of o ended: panic: BUG: mine, src/main.rs:1:1",
      ]),
    ).toEqual([]);
  });

  it("is bounded, whatever the log", () => {
    const splats = classifyLog(Array.from({ length: 10_000 }, (_, index) => `BUG: number ${index}`));
    expect(splats.length).toBeLessThanOrEqual(51);
  });
});
