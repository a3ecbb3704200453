// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classifyLog, SplatClassifier } from "./splat.ts";
import { groupSplats } from "./splat-groups.ts";
import { type SplatKind, splatPatterns } from "./splat-patterns.ts";

const consoles = new URL("../../../fixtures/consoles/", import.meta.url);

/** Kind and title of each splat in each log of the corpus. A log without an entry here fails the test. */
const corpus: Readonly<Record<string, readonly string[]>> = {
  "backtraces-on-request.log": [],
  "corrupted-stack.log": ["page-fault: BUG: unable to handle kernel paging request"],
  "cut-short.log": ["page-fault: BUG: unable to handle kernel paging request"],
  "executed-data.log": ["page-fault: BUG: unable to handle kernel paging request in data_area"],
  "init-exits.log": ["panic: kernel panic: Attempted to kill init! exitcode=ADDR"],
  "init-segfault.log": ["panic: kernel panic: Attempted to kill init! exitcode=ADDR"],
  "kasan-double-free.log": ["kasan: KASAN: double-free in lkdtm_SLAB_FREE_DOUBLE"],
  "kasan-in-copy-to-user.log": ["kasan: KASAN: slab-out-of-bounds Read in do_usercopy_slab_size"],
  "kasan-null-dereference.log": ["general-protection: general protection fault in lkdtm_ACCESS_NULL"],
  "kasan-out-of-bounds.log": ["kasan: KASAN: slab-out-of-bounds Write in lkdtm_SLAB_LINEAR_OVERFLOW"],
  "kasan-use-after-free.log": ["kasan: KASAN: slab-use-after-free Read in lkdtm_READ_AFTER_FREE"],
  "kasan-vmalloc.log": [
    "kasan: KASAN: vmalloc-out-of-bounds Read in lkdtm_STACK_GUARD_PAGE_LEADING",
    "stack-guard: BUG: stack guard page was hit in lkdtm_STACK_GUARD_PAGE_LEADING",
  ],
  "kernel-bug.log": ["kernel-bug: kernel BUG in lkdtm_BUG"],
  "list-add-corruption.log": ["list-corruption: BUG: corrupted list in lkdtm_CORRUPT_LIST_ADD"],
  "list-del-corruption.log": ["list-corruption: BUG: corrupted list in lkdtm_CORRUPT_LIST_DEL"],
  "lockdep-lock-held.log": [
    "lockdep: WARNING: lock held when returning to user space in lkdtm_SPINLOCKUP",
    "sleep-in-atomic: BUG: scheduling while atomic in irqentry_exit_to_user_mode",
  ],
  "null-dereference.log": [
    "page-fault: BUG: unable to handle kernel NULL pointer dereference in lkdtm_ACCESS_NULL",
  ],
  "oom.log": ["oom: out of memory: oom-killer invoked", "oom: out of memory: a process was killed"],
  "overflow-into-null.log": [
    "page-fault: BUG: unable to handle kernel NULL pointer dereference in handle_softirqs",
    "panic: kernel panic: Fatal exception in interrupt",
  ],
  "panic-sysrq.log": ["panic: kernel panic: sysrq triggered crash"],
  "rcu-expedited-stall.log": ["rcu-stall: INFO: rcu detected stall in lkdtm_SOFTLOCKUP"],
  "rcu-stall.log": ["rcu-stall: INFO: rcu detected stall in lkdtm_SOFTLOCKUP"],
  "refcount-underflow.log": ["refcount: WARNING: refcount bug in lkdtm_REFCOUNT_DEC_AND_TEST_NEGATIVE"],
  "rex-endless-loop.log": ["rcu-stall: INFO: rcu detected stall in endless::endless"],
  "rex-graceful-exit.log": [],
  "rex-unbalanced.log": [
    "rex: rex: program tracepoint_dup left preempt_count ADDR -> ADDR, irqs kept, RCU depth N -> N, lockdep kept",
  ],
  "rex-unbalanced-trap.log": [
    "rex: rex: program tracepoint_dup left preempt_count ADDR -> ADDR, irqs changed, RCU depth N -> N, lockdep kept",
  ],
  "scheduling-while-atomic.log": [
    "sleep-in-atomic: BUG: scheduling while atomic in syscall_exit_to_user_mode",
  ],
  "slub-double-free.log": [
    "slab-corruption: BUG: slab corruption in lkdtm-heap-double_free: Slab has N allocated objects but N are to be freed",
  ],
  "stack-guard.log": [
    "stack-guard: BUG: stack guard page was hit in recursive_loop",
    "panic: kernel panic: Fatal exception in interrupt",
  ],
  "tasks-on-request.log": [],
  "triple-fault.log": [],
  "unclaimed-nmi.log": [
    "unclaimed-nmi: an NMI that nobody claimed",
    "unclaimed-nmi: an NMI that nobody claimed",
  ],
  "ubsan-array-bounds.log": ["ubsan: UBSAN: array-index-out-of-bounds in lkdtm_ARRAY_BOUNDS"],
  "warning-message.log": ["warning: WARNING in lkdtm_WARNING_MESSAGE"],
  "warning.log": ["warning: WARNING in lkdtm_WARNING"],
  "write-to-read-only.log": ["page-fault: BUG: unable to handle kernel paging request in lkdtm_WRITE_RO"],
};

describe("the corpus of real console logs", () => {
  const names = readdirSync(consoles).filter((name) => name.endsWith(".log"));

  it("is described completely", () => {
    expect(names.sort()).toEqual(Object.keys(corpus).sort());
  });

  for (const name of names) {
    it(name, () => {
      const lines = readFileSync(new URL(name, consoles), "utf8").split("\n");
      expect(classifyLog(lines).map(({ kind, title }) => `${kind}: ${title}`)).toEqual(corpus[name]);
    });
  }
});

/** First lines as the kernel's format strings make them, by the kind that they are to be. */
const firstLines: readonly (readonly [SplatKind, string])[] = [
  ["unclaimed-nmi", "Uhhuh. NMI received for unknown reason 2c on CPU 1."],
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
  ["slab-corruption", "BUG kmalloc-1k (Tainted: G    B   W         ): Object corrupt"],
  [
    "usercopy",
    "usercopy: Kernel memory exposure attempt detected from SLUB object 'task_struct' (offset 0, size 9)!",
  ],
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
    expect(missing).toEqual(["rex", "kmsan", "netdev-leak"]);
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
    expect(splat).toMatchObject({ kind: "warning", firstLine: 1, title: "WARNING in f" });
    expect(splat?.lines).toHaveLength(4);
  });

  it("gives the same title whatever the addresses, CPUs, PIDs and line numbers", () => {
    const title = (...lines: string[]) => classifyLog(lines)[0]?.title;
    expect(title("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:42]", "RIP: 0010:f+0x1/0x2")).toBe(
      title("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [b:7]", "RIP: 0010:f.isra.0+0x7/0x9"),
    );
    expect(title("BUG: unable to handle page fault for address: ffffc90000abc000")).toBe(
      title("BUG: unable to handle page fault for address: ffffc90000def000"),
    );
    expect(title("WARNING: CPU: 1 PID: 42 at kernel/x.c:7 f+0x12/0x34")).toBe(
      title("WARNING: CPU: 0 PID: 1 at kernel/x.c:8 f+0x13/0x39"),
    );
  });

  it("blames the caller of what reports, locks, copies or allocates", () => {
    const title = (...lines: string[]) => classifyLog(lines)[0]?.title;
    expect(
      title(
        "WARNING: possible circular locking dependency detected",
        "Call Trace:",
        " <TASK>",
        " dump_stack_lvl+0x57/0x70",
        " ? guess+0x1/0x2",
        " print_circular_bug+0x1/0x2",
        " lock_acquire+0x1/0x2",
        " _raw_spin_lock+0x1/0x2",
        " rex_lock+0x1/0x2",
      ),
    ).toBe("possible deadlock in rex_lock");
    expect(
      title(
        "BUG: sleeping function called from invalid context at mm/x.c:1",
        " __might_sleep+0x1/0x2",
        " f+0x1/0x2",
      ),
    ).toBe("BUG: sleeping function called from invalid context in f");
  });

  it("takes a WARN of Rex's own by its words, and lines about ended programs for no splat", () => {
    const words = "rex: program p left preempt_count 0x1 -> 0x2, irqs kept, RCU depth 0 -> 1, lockdep kept";
    const splats = classifyLog([
      "[    1.0] rex: program p (id 1) of o ended: panic: mine, src/main.rs:1:1",
      "[    1.0] ------------[ cut here ]------------",
      `[    1.0] ${words}`,
      "[    1.0] WARNING: CPU: 1 PID: 42 at kernel/rex/dispatch.c:86 rex_dispatcher_func+0x12/0x34",
      "[    1.0] ---[ end trace 0000000000000000 ]---",
      "[    1.0] rex: program p (id 1) of o ended: panic: mine, src/main.rs:1:1",
    ]);
    expect(splats).toHaveLength(1);
    expect(splats[0]).toMatchObject({ kind: "rex", severity: "warning", firstLine: 1 });
    expect(splats[0]?.title).toBe(
      "rex: program p left preempt_count ADDR -> ADDR, irqs kept, RCU depth N -> N, lockdep kept",
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

  it("groups the splats of several tests by their titles", () => {
    const warn = (pid: number) =>
      classifyLog([`WARNING: CPU: 0 PID: ${pid} at mm/x.c:${pid} f+0x12/0x34`, "---[ end trace 0 ]---"]);
    const oom = classifyLog(["rex-agent invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"]);
    expect(groupSplats([warn(1), oom, [...warn(2), ...warn(3)]])).toEqual([
      { title: "WARNING in f", splats: 3, tests: 2 },
      { title: "out of memory: oom-killer invoked", splats: 1, tests: 1 },
    ]);
  });

  it("is bounded, whatever the log", () => {
    const splats = classifyLog(Array.from({ length: 10_000 }, (_, index) => `BUG: number ${index}`));
    expect(splats.length).toBeLessThanOrEqual(51);
  });
});
