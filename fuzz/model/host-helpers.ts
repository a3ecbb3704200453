// SPDX-License-Identifier: MIT
// What the rex crate and the kernel do for a program, done by std for the second opinion. What the host can't do, it ends with a panic whose
// payload says what would have happened.

import { headerNames, headers } from "./headers.ts";
import { commonHelpers, type Helper } from "./helpers.ts";

const resourcesAtMost = 32;
const [enoent, einval, edeadlk] = [2, 22, 35];

/** As `headers` says, with the bytes in between. */
function headerStructs(): string[] {
  return headerNames.map((name) => {
    const { bytes, fields } = headers[name];
    let end = 0;
    const parts = fields.flatMap((field) => {
      const gap = field.offset - end;
      end = field.offset + Number(field.type.int.slice(1)) / 8;
      return [...(gap > 0 ? [`gap${field.offset}: [u8; ${gap}]`] : []), `${field.name}: ${field.type.int}`];
    });
    if (bytes > end) parts.push(`rest: [u8; ${bytes - end}]`);
    return `#[repr(C, packed)] struct ${name}hdr { ${parts.join(", ")} }`;
  });
}

export const hostHelpers: readonly Helper[] = [
  ...commonHelpers,
  {
    lines: [
      "use std::{cell::{Cell, RefCell}, collections::BTreeMap, hint::black_box, ops::{Deref, DerefMut}, panic::{AssertUnwindSafe, catch_unwind, panic_any}, thread::panicking};",
      "thread_local! { static ARRAY: RefCell<BTreeMap<u32, u64>> = Default::default(); static HASH: RefCell<BTreeMap<u32, u64>> = Default::default(); static LAST: RefCell<(u32, String)> = Default::default(); }",
      "thread_local! { static LOCKED: RefCell<[BTreeMap<u32, Account>; 2]> = Default::default(); static HELD: Cell<usize> = const { Cell::new(0) }; static LOCK: Cell<bool> = const { Cell::new(false) }; }",
      "thread_local! { static RECORDS: RefCell<Vec<(u32, Option<Vec<u8>>)>> = Default::default(); }",
      "#[derive(Clone, Copy, Default)] struct Account { count: u32, total: u64 }",
      "fn array_get(p: u32, key: u32) -> u64 { ARRAY.with_borrow(|map| map.get(&key_of(p, key)).copied().unwrap_or(0)) }",
      "fn array_set(p: u32, key: u32, value: u64) { ARRAY.with_borrow_mut(|map| { map.insert(key_of(p, key), value); }) }",
      "fn array_add(p: u32, key: u32, value: u64) { array_set(p, key, array_get(p, key).wrapping_add(value)) }",
      "fn hash_get(p: u32, key: u32) -> u64 { HASH.with_borrow(|map| map.get(&key_of(p, key)).copied().unwrap_or(0)) }",
      "fn hash_set(p: u32, key: u32, value: u64) { HASH.with_borrow_mut(|map| { map.insert(key_of(p, key), value); }) }",
      "fn hash_delete(p: u32, key: u32) { HASH.with_borrow_mut(|map| { map.remove(&key_of(p, key)); }) }",
      "struct Held;",
      `fn hold() -> Held { if HELD.get() == ${resourcesAtMost} { panic_any("resources") } HELD.set(HELD.get() + 1); Held }`,
      "impl Drop for Held { fn drop(&mut self) { HELD.set(HELD.get() - 1) } }",
      "fn hold_task() -> Option<Held> { Some(hold()) }",
      "fn hold_record() -> Option<Held> { Some(hold()) }",
      "struct Locked { _held: Held, map: usize, key: u32, copy: Account }",
      "impl Deref for Locked { type Target = Account; fn deref(&self) -> &Account { &self.copy } }",
      "impl DerefMut for Locked { fn deref_mut(&mut self) -> &mut Account { &mut self.copy } }",
      "impl Drop for Locked { fn drop(&mut self) { LOCK.set(false); if !panicking() { LOCKED.with_borrow_mut(|maps| { maps[self.map].insert(self.key, self.copy); }) } } }",
      '#[track_caller] fn lock(map: usize, key: u32) -> Option<Locked> { if LOCK.get() { panic!("a second lock is taken while one is held") } let found = LOCKED.with_borrow(|maps| maps[map].get(&key).copied()); let copy = if map == 0 { found.unwrap_or_default() } else { found? }; let _held = hold(); LOCK.set(true); Some(Locked { _held, map, key, copy }) }',
      "#[track_caller] fn accounts_lock(p: u32, key: u32) -> Option<Locked> { lock(0, key_of(p, key)) }",
      "#[track_caller] fn vault_lock(p: u32, key: u32) -> Option<Locked> { lock(1, key_of(p, key)) }",
      `fn vault_set(p: u32, key: u32, total: u64) -> u64 { if LOCK.get() { return ${edeadlk} } LOCKED.with_borrow_mut(|maps| { maps[1].insert(key_of(p, key), Account { count: 0, total }); }); 0 }`,
      `fn vault_delete(p: u32, key: u32) -> u64 { if LOCK.get() { return ${edeadlk} } match LOCKED.with_borrow_mut(|maps| maps[1].remove(&key_of(p, key))) { Some(_) => 0, None => ${enoent} } }`,
      "struct Entry { _held: Held, at: usize, bytes: Vec<u8> }",
      "impl Entry { fn submit(self, _: u64) { RECORDS.with_borrow_mut(|all| all[self.at].1 = Some(self.bytes)) } fn discard(self, _: u64) {} }",
      "struct Record(Entry);",
      "impl Deref for Record { type Target = [u8]; fn deref(&self) -> &[u8] { &self.0.bytes } }",
      "impl DerefMut for Record { fn deref_mut(&mut self) -> &mut [u8] { &mut self.0.bytes } }",
      "fn new_record(p: u32, size: usize) -> Option<Record> { let _held = hold(); let at = RECORDS.with_borrow_mut(|all| { all.push((p, None)); all.len() - 1 }); Some(Record(Entry { _held, at, bytes: vec![0; size] })) }",
      "fn output_record<const N: usize>(p: u32, bytes: [u8; N]) { RECORDS.with_borrow_mut(|all| all.push((p, Some(bytes.to_vec())))) }",
      '#[track_caller] fn check_length<T>(bytes: &[u8]) { assert!(bytes.len() >= size_of::<T>(), "a {} has {} bytes, the slice only {}", std::any::type_name::<T>(), size_of::<T>(), bytes.len()) }',
      "#[track_caller] fn convert_slice_to_struct<T: Copy>(bytes: &[u8]) -> Box<T> { check_length::<T>(bytes); Box::new(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }) }",
      "struct Changed<'a, T: Copy> { bytes: &'a mut [u8], copy: T }",
      "impl<T: Copy> Deref for Changed<'_, T> { type Target = T; fn deref(&self) -> &T { &self.copy } }",
      "impl<T: Copy> DerefMut for Changed<'_, T> { fn deref_mut(&mut self) -> &mut T { &mut self.copy } }",
      "impl<T: Copy> Drop for Changed<'_, T> { fn drop(&mut self) { unsafe { self.bytes.as_mut_ptr().cast::<T>().write_unaligned(self.copy) } } }",
      "#[track_caller] fn convert_slice_to_struct_mut<T: Copy>(bytes: &mut [u8]) -> Changed<'_, T> { check_length::<T>(bytes); let copy = *convert_slice_to_struct::<T>(bytes); Changed { bytes, copy } }",
      "fn unwinding() -> bool { panicking() }",
      'fn bomb(_: u64) -> ! { panic_any("nested") }',
      'fn spin_empty(_: u32) -> ! { panic_any("timeout") }',
      'fn spin_counting(_: u32) -> ! { panic_any("timeout") }',
      'fn spin_helper(_: u32) -> ! { panic_any("timeout") }',
    ],
  },
  {
    when: ["xdp_md", "__sk_buff"],
    lines: [
      ...headerStructs(),
      'fn packet(ctx: &xdp_md) { println!("{{\\"packet\\":{:?}}}", ctx.data_slice) }',
      "struct xdp {}",
      "struct xdp_md { data_slice: Vec<u8> }",
      "type sched_cls = xdp; type __sk_buff = xdp_md;",
      "fn header<T>(bytes: &mut [u8], offset: usize) -> &mut T { let bytes = &mut bytes[offset..offset + size_of::<T>()]; unsafe { &mut *bytes.as_mut_ptr().cast() } }",
      "fn behind_ip(ctx: &mut xdp_md) -> usize { let ip: &mut iphdr = header(&mut ctx.data_slice, 14); 14 + usize::from(unsafe { *std::ptr::from_mut(ip).cast::<u8>() } & 15).max(5) * 4 }",
      "impl xdp {",
      "  fn eth_header<'a>(&self, ctx: &'a mut xdp_md) -> &'a mut ethhdr { header(&mut ctx.data_slice, 0) }",
      "  fn ip_header<'a>(&self, ctx: &'a mut xdp_md) -> &'a mut iphdr { header(&mut ctx.data_slice, 14) }",
      "  fn tcp_header<'a>(&self, ctx: &'a mut xdp_md) -> &'a mut tcphdr { let at = behind_ip(ctx); header(&mut ctx.data_slice, at) }",
      "  fn udp_header<'a>(&self, ctx: &'a mut xdp_md) -> &'a mut udphdr { let at = behind_ip(ctx); header(&mut ctx.data_slice, at) }",
      "}",
      "fn compute_ip_checksum(ip: &mut iphdr) -> u16 { ip.check = 0; let bytes = unsafe { &*std::ptr::from_mut(ip).cast::<[u8; 20]>() }; let sum = bytes.chunks(2).map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]]))).sum::<u32>(); let sum = (sum & 0xffff) + (sum >> 16); !((sum & 0xffff) + (sum >> 16)) as u16 }",
      "fn adjust_tail(_: &xdp, ctx: &mut xdp_md, by: i32) -> u64 { let to = ctx.data_slice.len() as i64 + i64::from(by); if !(14..3000).contains(&to) { return EINVAL } ctx.data_slice.resize(to as usize, 0); 0 }",
      "fn adjust_head(_: &xdp, ctx: &mut xdp_md, by: i32) -> u64 { if ctx.data_slice.len() as i64 - i64::from(by) < 14 || by < -200 { return EINVAL } if by < 0 { let mut longer = vec![0; by.unsigned_abs() as usize]; longer.extend(&ctx.data_slice); ctx.data_slice = longer; } else { ctx.data_slice.drain(..by as usize); } 0 }",
      `const EINVAL: u64 = ${einval};`,
    ],
  },
  {
    lines: [
      "fn run(program: u32, body: impl FnOnce() -> u64) {",
      '  std::panic::set_hook(Box::new(|info| { let line = info.location().map_or(0, |at| if at.file().ends_with("main.rs") { at.line() } else { 0 }); LAST.set((line, info.payload_as_str().unwrap_or_default().to_owned())); }));',
      "  match catch_unwind(AssertUnwindSafe(body)) {",
      '    Ok(value) => println!("{{\\"program\\":{program},\\"value\\":\\"{value}\\"}}"),',
      '    Err(_) => { let (line, message) = LAST.take(); println!("{{\\"program\\":{program},\\"line\\":{line},\\"message\\":{message:?}}}") }',
      "  }",
      "}",
      "fn dump() {",
      '  let records: Vec<_> = RECORDS.take().into_iter().filter_map(|(p, bytes)| Some(format!("{p} {:02x?}", bytes?))).collect();',
      '  let locked = LOCKED.take().map(|map| map.into_iter().map(|(key, value)| format!("{key} {}", u128::from(value.total) << 32 | u128::from(value.count))).collect::<Vec<_>>());',
      '  println!("{{\\"array\\":{:?},\\"hash\\":{:?},\\"accounts\\":{:?},\\"vault\\":{:?},\\"records\\":{records:?}}}", pairs(ARRAY.take()), pairs(HASH.take()), locked[0], locked[1])',
      "}",
      'fn pairs(map: BTreeMap<u32, u64>) -> Vec<(String)> { map.into_iter().map(|(key, value)| format!("{key} {value}")).collect() }',
    ],
  },
];
