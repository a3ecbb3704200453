// SPDX-License-Identifier: MIT
// The Rust in front of generated programs that they call: in the guest it is made of the rex crate, on the host of std.

/** Lines that are there when one of the words is, in a program or in other helpers that are there. Without words: always. */
export interface Helper {
  readonly when?: readonly string[];
  readonly lines: readonly string[];
}

/** The lines of the helpers that a text needs, in their order. */
export function linesNeeded(helpers: readonly Helper[], text: string): string[] {
  const taken = new Set<Helper>();
  for (let known = text, before = -1; taken.size > before; ) {
    before = taken.size;
    for (const helper of helpers) {
      if (taken.has(helper) || helper.when?.every((word) => !known.includes(word))) continue;
      taken.add(helper);
      known += `\n${helper.lines.join("\n")}`;
    }
  }
  return helpers.filter((helper) => taken.has(helper)).flatMap(({ lines }) => lines);
}

/** Keys that a program has of each map. */
export const keysPerProgram = 8;
/** Runs whose results are kept, for each program. */
export const runsPerProgram = 12;
/** Bytes of the ring buffer that all programs write to. */
export const ringBytes = 1 << 20;
/** In front of each record there is the number of its program. */
export const recordHeadBytes = 4;

export const commonHelpers: readonly Helper[] = [
  {
    lines: [
      "#![allow(warnings, arithmetic_overflow, unconditional_panic, unconditional_recursion, overflowing_literals)]",
    ],
  },
  { when: ["Op"], lines: ["trait Op { fn apply(&self, x: u64) -> u64; }"] },
  {
    when: ["twice("],
    lines: ["#[inline(never)] fn twice<F: Fn(u64) -> u64>(f: F, x: u64) -> u64 { f(f(x)) }"],
  },
  {
    when: ["through("],
    lines: ["#[inline(never)] fn through(f: &dyn Fn(u64) -> u64, x: u64) -> u64 { f(x) }"],
  },
  {
    when: ["each("],
    lines: [
      "#[inline(never)] fn each<F: FnMut(i64)>(from: i64, to: i64, reversed: bool, f: &mut F) { if from >= to { return } if reversed { f(to - 1); each(from, to - 1, reversed, f) } else { f(from); each(from + 1, to, reversed, f) } black_box(from); }",
    ],
  },
  {
    when: ["key_of("],
    lines: [`fn key_of(p: u32, key: u32) -> u32 { p * ${keysPerProgram} + key % ${keysPerProgram} }`],
  },
];

/** `allocates`: elements of hash maps are allocated when they are needed. */
export function guestHelpers(
  count: number,
  { allocates }: { readonly allocates: boolean },
): readonly Helper[] {
  const keys = count * keysPerProgram;
  const ofHash = allocates ? "BPF_F_NO_PREALLOC as u32" : "0";
  return [
    { lines: ["#![no_std]", "#![no_main]"] },
    ...commonHelpers,
    {
      lines: [
        "extern crate rex;",
        "use core::hint::black_box;",
        "use rex::map::*;",
        `#[rex::rex_map] static OUT: RexArrayMap<u64> = RexArrayMap::new(${count * runsPerProgram}, 0);`,
      ],
    },
    { when: ["BPF_F_NO_PREALLOC"], lines: ["use rex::linux::bpf::BPF_F_NO_PREALLOC;"] },
    { when: ["Result"], lines: ["use rex::Result;"] },
    { when: ["rex_kprobe"], lines: ["use rex::{kprobe::kprobe, pt_regs::PtRegs, rex_kprobe};"] },
    {
      when: ["rex_xdp", "xdp_md"],
      lines: ["use rex::{rex_xdp, xdp::{xdp, xdp_md}};"],
    },
    { when: ["rex_tc"], lines: ["use rex::{rex_tc, sched_cls::{__sk_buff, sched_cls}};"] },
    { when: ["compute_ip_checksum("], lines: ["use rex::xdp::compute_ip_checksum;"] },
    {
      when: ["convert_slice_to_struct"],
      lines: ["use rex::utils::{convert_slice_to_struct, convert_slice_to_struct_mut};"],
    },
    {
      when: ["ARRAY"],
      lines: [`#[rex::rex_map] static ARRAY: RexArrayMap<u64> = RexArrayMap::new(${keys}, 0);`],
    },
    {
      when: ["HASH"],
      lines: [`#[rex::rex_map] static HASH: RexHashMap<u32, u64> = RexHashMap::new(${keys}, ${ofHash});`],
    },
    {
      when: ["RECORDS"],
      lines: [`#[rex::rex_map] static RECORDS: RexRingBuf = RexRingBuf::new(${ringBytes}, 0);`],
    },
    {
      when: ["Account"],
      lines: [
        "use rex::spinlock::bpf_spin_lock;",
        "#[repr(C)] #[derive(Clone, Copy)] struct Account { lock: bpf_spin_lock, count: u32, total: u64 }",
      ],
    },
    {
      when: ["accounts_lock("],
      lines: [
        `#[rex::rex_map(lock = "lock")] static ACCOUNTS: RexArrayMap<Account> = RexArrayMap::new(${keys}, 0);`,
        "#[track_caller] fn accounts_lock(p: u32, key: u32) -> Option<LockedValue<Account>> { ACCOUNTS.lock(&key_of(p, key)) }",
      ],
    },
    {
      when: ["VAULT"],
      lines: [
        `#[rex::rex_map(lock = "lock")] static VAULT: RexHashMap<u32, Account> = RexHashMap::new(${keys}, ${ofHash});`,
      ],
    },
    {
      when: ["vault_lock("],
      lines: [
        "#[track_caller] fn vault_lock(p: u32, key: u32) -> Option<LockedValue<Account>> { VAULT.lock(&key_of(p, key)) }",
      ],
    },
    {
      when: ["vault_set("],
      lines: [
        "fn vault_set(p: u32, key: u32, total: u64) -> u64 { errno_of(VAULT.insert(&key_of(p, key), &Account { lock: bpf_spin_lock { val: 9 }, count: 0, total })) }",
      ],
    },
    {
      when: ["vault_delete("],
      lines: ["fn vault_delete(p: u32, key: u32) -> u64 { errno_of(VAULT.delete(&key_of(p, key))) }"],
    },
    {
      when: ["adjust_tail("],
      lines: [
        "fn adjust_tail(hook: &xdp, ctx: &mut xdp_md, by: i32) -> u64 { errno_of(hook.bpf_xdp_adjust_tail(ctx, by)) }",
      ],
    },
    {
      // In front of the packet there is what its head has been before.
      when: ["adjust_head("],
      lines: [
        "fn adjust_head(hook: &xdp, ctx: &mut xdp_md, by: i32) -> u64 { let errno = errno_of(hook.bpf_xdp_adjust_head(ctx, by)); if errno == 0 && by < 0 { ctx.data_slice[..by.unsigned_abs() as usize].fill(0); } errno }",
      ],
    },
    {
      when: ["errno_of("],
      lines: [
        "fn errno_of(result: Result) -> u64 { match result { Ok(_) => 0, Err(errno) => -errno as u64 } }",
      ],
    },
    {
      when: ["array_get("],
      lines: ["fn array_get(p: u32, key: u32) -> u64 { ARRAY.get(&key_of(p, key)).unwrap_or(0) }"],
    },
    {
      when: ["array_set("],
      lines: [
        "fn array_set(p: u32, key: u32, value: u64) { let _ = ARRAY.insert(&key_of(p, key), &value); }",
      ],
    },
    {
      when: ["array_add("],
      lines: [
        "fn array_add(p: u32, key: u32, value: u64) { if let Some(mut old) = ARRAY.get_mut(&key_of(p, key)) { old.fetch_add(value); } }",
      ],
    },
    {
      when: ["hash_get("],
      lines: ["fn hash_get(p: u32, key: u32) -> u64 { HASH.get(&key_of(p, key)).unwrap_or(0) }"],
    },
    {
      when: ["hash_set("],
      lines: ["fn hash_set(p: u32, key: u32, value: u64) { let _ = HASH.insert(&key_of(p, key), &value); }"],
    },
    {
      when: ["hash_delete("],
      lines: ["fn hash_delete(p: u32, key: u32) { let _ = HASH.delete(&key_of(p, key)); }"],
    },
    {
      when: ["hold_task("],
      lines: [
        "use rex::task_struct::OwnedTaskStruct;",
        "fn hold_task() -> Option<OwnedTaskStruct> { OwnedTaskStruct::from_pid(1) }",
      ],
    },
    {
      when: ["hold_record("],
      lines: ["fn hold_record() -> Option<RexRingBufEntry> { RECORDS.reserve(16) }"],
    },
    {
      when: ["new_record("],
      lines: [
        "struct Record(RexRingBufEntry);",
        `impl core::ops::Deref for Record { type Target = [u8]; fn deref(&self) -> &[u8] { &self.0[${recordHeadBytes}..] } }`,
        `impl core::ops::DerefMut for Record { fn deref_mut(&mut self) -> &mut [u8] { &mut self.0[${recordHeadBytes}..] } }`,
        `fn new_record(p: u32, size: usize) -> Option<Record> { let mut entry = RECORDS.reserve(${recordHeadBytes} + size)?; entry.fill(0); entry[..${recordHeadBytes}].copy_from_slice(&p.to_le_bytes()); Some(Record(entry)) }`,
      ],
    },
    {
      when: ["output_record("],
      lines: [
        `fn output_record<const N: usize>(p: u32, bytes: [u8; N]) { let mut all = [0; 64]; all[..${recordHeadBytes}].copy_from_slice(&p.to_le_bytes()); all[${recordHeadBytes}..${recordHeadBytes} + N].copy_from_slice(&bytes); let _ = RECORDS.output(&all[..${recordHeadBytes} + N], 0); }`,
      ],
    },
    { when: ["unwinding("], lines: ["fn unwinding() -> bool { false }"] },
    {
      when: ["bomb("],
      lines: [
        "struct Bomb(u64);",
        'impl core::fmt::Display for Bomb { fn fmt(&self, _: &mut core::fmt::Formatter<\'_>) -> core::fmt::Result { panic!("bomb {}", self.0) } }',
        'fn bomb(value: u64) -> ! { panic!("before {}", Bomb(value)) }',
      ],
    },
    { when: ["spin_empty("], lines: ["fn spin_empty(_: u32) -> ! { loop {} }"] },
    {
      when: ["spin_counting("],
      lines: [
        "fn spin_counting(_: u32) -> ! { let mut n = 0u64; loop { n = black_box(n.wrapping_add(1)); } }",
      ],
    },
    {
      when: ["spin_helper("],
      lines: ["fn spin_helper(p: u32) -> ! { loop { black_box(array_get(p, 0)); } }"],
    },
  ];
}
