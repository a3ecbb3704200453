// SPDX-License-Identifier: MIT
// Names a splat the way syzkaller does: what happened and in which function, without addresses, PIDs, CPUs, offsets and line
// numbers. The same bug has the same title on every machine and in every build, so that titles group reports.
import type { SplatKind } from "./splat-patterns.ts";

interface Report {
  /** The line that named the kind, without its timestamp. */
  readonly headline: string;
  /** All lines so far, without their timestamps. */
  readonly texts: readonly string[];
}

type Naming = (report: Report) => string;

const inFunction =
  (what: string): Naming =>
  (report) =>
    at(what, guilty(report.texts));

const namings: Readonly<Partial<Record<SplatKind, Naming>>> = {
  kasan: (report) => sanitizerTitle("KASAN", report),
  kfence: (report) => sanitizerTitle("KFENCE", report),
  kmsan: (report) => sanitizerTitle("KMSAN", report),
  kcsan: ({ headline }) => normalised(headline.replace(/^BUG: /, "")),
  ubsan: ({ headline, texts }) =>
    at(`UBSAN: ${/UBSAN: (.+?) in /.exec(headline)?.[1] ?? "?"}`, guilty(texts)),
  "soft-lockup": inFunction("BUG: soft lockup"),
  "hard-lockup": inFunction("hard lockup"),
  "workqueue-lockup": () => "BUG: workqueue lockup",
  "rcu-stall": inFunction("INFO: rcu detected stall"),
  "hung-task": inFunction("INFO: task hung"),
  "sleep-in-atomic": ({ headline, texts }) => at(atomicWords(headline), guilty(texts)),
  lockdep: ({ headline, texts }) => at(lockdepWords(headline), guilty(texts)),
  "stack-guard": inFunction("BUG: stack guard page was hit"),
  "double-fault": inFunction("PANIC: double fault"),
  "page-fault": ({ headline, texts }) =>
    at(
      headline.includes("NULL pointer")
        ? "BUG: unable to handle kernel NULL pointer dereference"
        : "BUG: unable to handle kernel paging request",
      guilty(texts),
    ),
  "general-protection": inFunction("general protection fault"),
  "kernel-bug": inFunction("kernel BUG"),
  "bad-page": ({ headline }) => normalised(headline.replace(/ in process .*/, "")),
  "slab-corruption": ({ headline }) =>
    normalised(headline.replace(/BUG (\S+) \(.*?\): (.*)/, "BUG: slab corruption in $1: $2")),
  usercopy: inFunction("usercopy: bad kernel memory access"),
  "list-corruption": inFunction("BUG: corrupted list"),
  oops: ({ headline, texts }) =>
    at(/([a-z][\w ]*): \d{4} \[#/i.exec(headline.replace(/^Oops: /, ""))?.[1] ?? "Oops", guilty(texts)),
  panic: ({ headline }) => normalised(headline.replace(/.*Kernel panic - not syncing:/, "kernel panic:")),
  refcount: inFunction("WARNING: refcount bug"),
  kmemleak: () => "kmemleak: new suspected memory leaks",
  oom: ({ headline }) =>
    headline.includes("oom-killer")
      ? "out of memory: oom-killer invoked"
      : "out of memory: a process was killed",
  "unclaimed-nmi": () => "an NMI that nobody claimed",
  "netdev-leak": () => "unregister_netdevice: waiting for a device to become free",
  warning: ({ headline, texts }) => at("WARNING", / at \S+ (\S+?)\+0x/.exec(headline)?.[1] ?? guilty(texts)),
};

/** The title of a splat, as good as the lines that have come so far allow. */
export function titleOf(kind: SplatKind, headline: string, lines: readonly string[]): string {
  const report = { headline: withoutTimestamp(headline), texts: lines.map(withoutTimestamp) };
  return (namings[kind] ?? (({ headline: line }: Report) => normalised(line)))(report);
}

export function withoutTimestamp(line: string): string {
  return line.replace(/^\s*(?:<\d+>)?\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])? ?/, "");
}

/** "BUG: KASAN: slab-use-after-free in f+0x1/0x2" and "Write of size 8 at …" → "KASAN: slab-use-after-free Write in f". */
function sanitizerTitle(name: string, { headline, texts }: Report): string {
  const [, what = "?", where = ""] = /BUG: \w+: (.+?) in (\S+?)(?:\+0x\S*)?$/.exec(headline) ?? [];
  const access = texts.map((text) => /^(Read|Write) of size /.exec(text)?.[1]).find(Boolean);
  const named = where === "" || isPlumbing(where) ? (guilty(texts) ?? where) : where;
  return at(`${name}: ${what}${access ? ` ${access}` : ""}`, plainSymbol(named));
}

function atomicWords(headline: string): string {
  const [words] =
    /BUG: (?:sleeping function called from invalid context|scheduling while atomic|using \w+\(?\)? in preemptible)/.exec(
      headline,
    ) ?? [];
  return words ?? normalised(headline);
}

function lockdepWords(headline: string): string {
  if (/possible|-safe -> \w+-unsafe|Nested lock/.test(headline)) return "possible deadlock";
  const words = /\[ (BUG: .+?) \]/.exec(headline)?.[1] ?? headline;
  return normalised(words).replace(/!$/, "");
}

/** Functions that report, or that everybody passes through: the bug is in their caller. */
const plumbing = new RegExp(
  `^(?:${[
    "__?dump_stack.*|dump_stack.*|show_stack.*|show_regs.*|nmi_\\w*backtrace.*|arch_trigger_\\w+",
    "print_\\w+|report_\\w+|kasan_\\w+|__asan_\\w+|__kasan_\\w+|check_region_inline|end_report|ubsan_\\w+|__ubsan_\\w+|kfence_\\w+|kcsan_\\w+|__tsan_\\w+",
    "panic|nmi_panic|oops_\\w+|die\\w*|__?warn\\w*|warn_slowpath\\w*|report_bug|handle_bug|exc_\\w+|asm_\\w+|sysvec_\\w+|page_fault_oops|do_trap|do_error_trap",
    "refcount_\\w+|__refcount_\\w+|__list_\\w+|list_\\w+|lockdep_\\w+|__lock_\\w+|lock_(?:acquire|release)|mark_lock\\w*|validate_chain|check_\\w+",
    "_raw_\\w+|__raw_\\w+|do_raw_\\w+|queued_\\w+|native_queued_\\w+|__mutex_\\w+|mutex_\\w+|down_\\w+|up_\\w+|rt_mutex_\\w+",
    "__might_\\w+|might_\\w+|___might_\\w+|__schedule\\w*|schedule\\w*|preempt_schedule\\w*|__cond_resched|debug_smp_processor_id|wait_for_\\w+|io_schedule\\w*",
    "rcu_\\w+|__rcu_\\w+|kthread|ret_from_fork\\w*|tick_\\w+|hrtimer_\\w+|__hrtimer_\\w+|update_process_times|scheduler_tick|watchdog_\\w+|local_apic_\\w+|__sysvec_\\w+",
    "mem(?:cpy|set|move|cmp)\\w*|__mem\\w+|str\\w*cpy|copy_(?:to|from)_user|_copy_\\w+|__kmalloc\\w*|kmalloc\\w*|kfree|kmem_cache_\\w+|___?slab_\\w+|slab_\\w+|object_err|alloc_debug_\\w+|free_debug_\\w+",
  ].join("|")})$`,
);

function isPlumbing(symbol: string): boolean {
  return plumbing.test(plainSymbol(symbol));
}

/**
 * The function to blame: the first one that is not plumbing, of those at which the CPU stood (RIP) and of the trace. Entries with a
 * question mark are guesses of the unwinder. A report without a trace may say where a lock was taken.
 */
function guilty(texts: readonly string[]): string | undefined {
  const symbols = texts.flatMap((text) => {
    const symbol = /^(?:RIP: 0010:| +)([^\s+?]+)\+0x[0-9a-f]+\/0x/.exec(text)?.[1];
    return symbol === undefined ? [] : [symbol];
  });
  const locks = texts.flatMap((text) => /, at: ([^\s+]+)\+0x/.exec(text)?.[1] ?? []);
  const found = [...symbols, ...locks].find((symbol) => !isPlumbing(symbol)) ?? symbols[0];
  return found === undefined ? undefined : plainSymbol(found);
}

/** Without what the compiler appends to copies of a function. */
function plainSymbol(symbol: string): string {
  return symbol.replace(/\+0x.*$/, "").replace(/(?:\.(?:isra|constprop|part|cold|llvm)(?:\.\d+)?)+$/, "");
}

function at(what: string, symbol: string | undefined): string {
  return symbol === undefined || symbol === "" ? what : `${what} in ${plainSymbol(symbol)}`;
}

/** A sentence of the kernel's without what differs from time to time. */
export function normalised(text: string): string {
  return text
    .replace(/\bCPU: \d+ (?:UID: \d+ )?PID: \d+ (?:Comm: \S+ )?/, "")
    .replace(/\bCPU#?\d+/g, "CPU")
    .replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+/g, "")
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{16}\b/g, "ADDR")
    .replace(/(\.[chS]):\d+(?::\d+)?/g, "$1")
    .replace(/\/\d+\b/g, "")
    .replace(/(?<![\w.-])-?\d+\b/g, "N")
    .replace(/\s+/g, " ")
    .trim();
}
