// SPDX-License-Identifier: MIT
// How the kernel says that something is wrong, one row per kind. The first row that matches a line names it, so the
// specific ones come before the general ones. fixtures/consoles has a real log of each kind that could be provoked.

/** critical: the kernel's own state can't be trusted any more. warning: it noticed a bug and went on. */
export type Severity = "critical" | "warning";

export interface SplatPattern {
  readonly kind: string;
  readonly severity: Severity;
  readonly start: RegExp;
  /** Only right behind "cut here", where a WARN says in a sentence what is wrong before it says where. */
  readonly afterCut?: true;
}

export const splatPatterns = [
  /** A WARN of Rex's own. Elsewhere such lines tell how programs ended, which is Rex at work. */
  { kind: "rex", severity: "warning", start: /^rex: /, afterCut: true },
  { kind: "kasan", severity: "critical", start: /BUG: KASAN: / },
  { kind: "kfence", severity: "critical", start: /BUG: KFENCE: / },
  { kind: "kmsan", severity: "critical", start: /BUG: KMSAN: / },
  { kind: "kcsan", severity: "warning", start: /BUG: KCSAN: / },
  { kind: "ubsan", severity: "warning", start: /UBSAN: / },
  { kind: "soft-lockup", severity: "warning", start: /BUG: soft lockup - CPU/ },
  { kind: "hard-lockup", severity: "critical", start: /Watchdog detected hard LOCKUP/ },
  { kind: "workqueue-lockup", severity: "warning", start: /BUG: workqueue lockup/ },
  {
    kind: "rcu-stall",
    severity: "warning",
    start: /INFO: rcu_\w+ (?:self-)?detected (?:expedited )?stalls?|rcu: INFO: \w+ .*stall/,
  },
  {
    kind: "hung-task",
    severity: "warning",
    start: /INFO: task \S+:\d+ (?:<.*> )?(?:is )?blocked (?:in I\/O wait )?for more than/,
  },
  {
    kind: "sleep-in-atomic",
    severity: "warning",
    start:
      /BUG: (?:sleeping function called from invalid context|scheduling while atomic|using \w+\(?\)? in preemptible)/,
  },
  {
    kind: "lockdep",
    severity: "warning",
    start:
      /WARNING: (?:possible (?:circular locking|recursive locking|irq lock inversion)|inconsistent lock state|bad unlock balance|suspicious RCU usage|held lock freed|lock held when returning|\w+-safe -> \w+-unsafe|Nested lock was not taken)|\[ BUG: Invalid wait context \]|INFO: trying to register non-static key|BUG: \S+ still has locks held|BUG: MAX_LOCK|DEBUG_LOCKS_WARN_ON/,
  },
  {
    kind: "stack-guard",
    severity: "critical",
    start: /BUG: (?:\w+ )?stack guard page was hit|kernel stack overflow/,
  },
  { kind: "double-fault", severity: "critical", start: /PANIC: double fault|double fault: \d+ \[#/ },
  {
    kind: "page-fault",
    severity: "critical",
    start:
      /BUG: (?:kernel NULL pointer dereference|unable to handle (?:kernel )?(?:page fault|paging request|NULL pointer))/,
  },
  {
    kind: "general-protection",
    severity: "critical",
    start: /general protection fault(?:, (?:probably|maybe)|: .*\[#\d+\])|Oops: general protection/,
  },
  { kind: "kernel-bug", severity: "critical", start: /kernel BUG at \S+!/ },
  /** SLUB's own checks, with slub_debug on the command line. */
  { kind: "slab-corruption", severity: "critical", start: /BUG \S+ \((?:Not tainted|Tainted: .*)\): / },
  {
    kind: "usercopy",
    severity: "critical",
    start: /usercopy: Kernel memory (?:exposure|overwrite) attempt detected/,
  },
  { kind: "bad-page", severity: "critical", start: /BUG: Bad (?:page|rss)/ },
  { kind: "list-corruption", severity: "critical", start: /list_(?:add|del) corruption/ },
  {
    kind: "oops",
    severity: "critical",
    start: /Oops: |(?:invalid opcode|divide error|int3|stack segment|bounds): \d{4} \[#\d+\]/,
  },
  { kind: "panic", severity: "critical", start: /Kernel panic - not syncing/ },
  { kind: "refcount", severity: "warning", start: /refcount_t: / },
  { kind: "kmemleak", severity: "warning", start: /kmemleak: \d+ new suspected memory leaks/ },
  { kind: "oom", severity: "warning", start: /invoked oom-killer|Out of memory: Killed/ },
  /** One that no handler claimed; without a chipset to ask, as on microvm, the kernel takes it for a bus error. */
  {
    kind: "unclaimed-nmi",
    severity: "warning",
    start: /NMI: (?:PCI system error|IOCK error) .*for reason|NMI received for unknown reason/,
  },
  { kind: "netdev-leak", severity: "warning", start: /unregister_netdevice: waiting for/ },
  { kind: "bug", severity: "critical", start: /\bBUG: / },
  /** A WARN of Rex's own, which says in a sentence what is wrong before the kernel says where. */
  { kind: "warning", severity: "warning", start: /\bWARNING: / },
] as const satisfies readonly SplatPattern[];

export type SplatKind = (typeof splatPatterns)[number]["kind"];
