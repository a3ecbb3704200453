// SPDX-License-Identifier: MIT
// One program that makes any call of the crate that it is asked for, by the arguments of a system call, and tells what came of it. So
// a sequence of calls is a sequence of system calls, and nothing has to be compiled for it.

/** What the maps are made with. Small, so that they are full soon. */
export const sizes = {
  array: 4,
  hash: 6,
  bare: 5,
  perCpu: 3,
  perCpuHash: 4,
  lru: 8,
  trie: 7,
  queue: 4,
  stack: 3,
  ringBytes: 4_096,
  /** Longest record. */
  recordBytes: 200,
} as const;

/** Answers of one request. */
export const slots = 64;
export const operatorName = "operator";
export const syscallName = "sched_get_priority_min";

/** The calls, in the order of their numbers: expressions of `(u64, u64)`, a status and a value, of `key`, `value` and `more`. */
const keyed = (map: string, key: string): Readonly<Record<string, string>> => ({
  [`${map}.get`]: `found(${map}.get(${key}))`,
  [`${map}.insert`]: `done(${map}.insert(${key}, &value))`,
  [`${map}.insert_new`]: `done(${map}.insert_new(${key}, &value))`,
  [`${map}.update`]: `done(${map}.update(${key}, &value))`,
  [`${map}.delete`]: `done(${map}.delete(${key}))`,
  [`${map}.get_mut`]: `match ${map}.get_mut(${key}) { Some(mut place) => { *place = value; (1, *place) } None => (0, 0) }`,
  [`${map}.fetch_add`]: `match ${map}.get_mut(${key}) { Some(mut place) => (1, place.fetch_add(value)), None => (0, 0) }`,
  [`program.lookup ${map}`]: `found(program.bpf_map_lookup_elem(&${map}, ${key}).map(|place| *place))`,
  [`program.update ${map}`]: `done(program.bpf_map_update_elem(&${map}, ${key}, &value, more))`,
  [`program.delete ${map}`]: `done(program.bpf_map_delete_elem(&${map}, ${key}))`,
});

const queued = (map: string): Readonly<Record<string, string>> => ({
  [`${map}.push`]: `done(${map}.push(&value))`,
  [`${map}.force_push`]: `done(${map}.force_push(&value))`,
  [`${map}.pop`]: `found(${map}.pop())`,
  [`${map}.peek`]: `found(${map}.peek())`,
  [`program.push ${map}`]: `done(program.bpf_map_push_elem(&${map}, &value, more))`,
});

/** The values of a trie are not aligned here, and such have no fetch_add. */
function withoutAdding(some: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(some).filter(([name]) => !name.endsWith(".fetch_add")));
}

const calls: Readonly<Record<string, string>> = {
  ...keyed("ARRAY", "&(key as u32)"),
  ...keyed("HASH", "&key"),
  ...keyed("BARE", "&(key as u32)"),
  ...keyed("PER_CPU", "&(key as u32)"),
  ...keyed("PER_CPU_HASH", "&(key as u16)"),
  ...keyed("LRU", "&key"),
  ...withoutAdding(keyed("TRIE", "&LpmKey::new(more as u32, (key as u32).to_be_bytes())")),
  ...queued("QUEUE"),
  ...queued("STACK"),
  "PER_CPU.of_cpu": "found(PER_CPU.get_mut_of_cpu(&(key as u32), more as u32).map(|place| *place))",
  "RING.output": "done(RING.output(&[value as u8; RECORD][..size(key)], 0))",
  "RING.submit":
    "match RING.reserve(size(key)) { Some(mut entry) => { entry.fill(value as u8); entry.submit(0); (1, 0) } None => (0, 0) }",
  "RING.discard":
    "match RING.reserve(size(key)) { Some(entry) => { entry.discard(0); (1, 0) } None => (0, 0) }",
  "RING.drop": "(u64::from(RING.reserve(size(key)).is_some()), 0)",
  "RING.reserve": "(u64::from(RING.reserve(value as usize).is_some()), 0)",
  "RING.available": "(1, RING.available_bytes())",
  "RING.size": "(1, RING.size())",
  "RING.produced": "(1, RING.producer_position())",
  "RING.consumed": "(1, RING.consumer_position())",
  "probe kernel": `{ let mut to = value; let result = program.bpf_probe_read_kernel(&mut to, address(key)); (done(result).0, to) }`,
  "probe user": `{ let mut to = value; let result = program.bpf_probe_read_user(&mut to, address(key)); (done(result).0, to) }`,
  "probe kernel text": `{ let mut to = [value as u8; 16]; let result = program.bpf_probe_read_kernel_str(&mut to, address(key)); (done(result).0, sum(&to)) }`,
  "probe user text": `{ let mut to = [value as u8; 16]; let result = program.bpf_probe_read_user_str(&mut to, address(key)); (done(result).0, sum(&to)) }`,
  "format number": `{ let mut to = [0u8; 48]; let result = program.bpf_snprintf(&mut to, "%lld %llx %u", &[value, key, more]); (done(result).0, sum(&to)) }`,
  "format cut": `{ let mut to = [7u8; 8]; let result = program.bpf_snprintf(&mut to, "%lld", &[value]); (done(result).0, sum(&to)) }`,
  "task references": `held(key, value as i32)`,
  "task current": `match program.bpf_get_current_task() { Some(task) => (1, ((task.get_tgid() as u64) << 32) | task.get_pid() as u64), None => (0, 0) }`,
  "pid and tgid": "(1, program.bpf_get_current_pid_tgid())",
  "uid and gid": "(1, program.bpf_get_current_uid_gid())",
  cpu: "(1, program.bpf_get_smp_processor_id() as u64)",
  node: "(1, program.bpf_get_numa_node_id() as u64)",
  nanoseconds: "(1, program.bpf_ktime_get_ns())",
  "nanoseconds since boot": "(1, program.bpf_ktime_get_boot_ns())",
  "coarse nanoseconds": "(u64::from(program.bpf_ktime_get_coarse_ns() <= program.bpf_ktime_get_ns()), 0)",
  jiffies: "(1, program.bpf_jiffies64())",
  comm: "{ let mut name = [7u8; 16]; let result = program.bpf_get_current_comm(&mut name); (done(result).0, name[15] as u64) }",
};

export const callNames: readonly string[] = Object.keys(calls);

export const operatorSource = `#![no_std]
#![no_main]
#![allow(unused)]
use rex::kprobe::kprobe;
use rex::map::*;
use rex::pt_regs::PtRegs;
use rex::task_struct::OwnedTaskStruct;
use rex::{Result, rex_kprobe, rex_map};

const RECORD: usize = ${sizes.recordBytes};

#[rex_map] static STATUS: RexArrayMap<u64> = RexArrayMap::new(${slots}, 0);
#[rex_map] static VALUE: RexArrayMap<u64> = RexArrayMap::new(${slots}, 0);
#[rex_map] static ARRAY: RexArrayMap<u64> = RexArrayMap::new(${sizes.array}, 0);
#[rex_map] static HASH: RexHashMap<u64, u64> = RexHashMap::new(${sizes.hash}, 0);
#[rex_map] static BARE: RexHashMap<u32, u64> = RexHashMap::new(${sizes.bare}, 1);
#[rex_map] static PER_CPU: RexPerCPUArrayMap<u64> = RexPerCPUArrayMap::new(${sizes.perCpu}, 0);
#[rex_map] static PER_CPU_HASH: RexPerCPUHashMap<u16, u64> = RexPerCPUHashMap::new(${sizes.perCpuHash}, 0);
#[rex_map] static LRU: RexLruHashMap<u64, u64> = RexLruHashMap::new(${sizes.lru}, 0);
#[rex_map] static TRIE: RexLpmTrie<LpmKey<[u8; 4]>, u64> = RexLpmTrie::new(${sizes.trie}, 1);
#[rex_map] static QUEUE: RexQueue<u64> = RexQueue::new(${sizes.queue}, 0);
#[rex_map] static STACK: RexStack<u64> = RexStack::new(${sizes.stack}, 0);
#[rex_map] static RING: RexRingBuf = RexRingBuf::new(${sizes.ringBytes}, 0);

fn done(result: Result) -> (u64, u64) {
    match result { Ok(number) => (number as u64, 0), Err(error) => (error as i64 as u64, 0) }
}

fn found(value: Option<u64>) -> (u64, u64) {
    value.map_or((0, 0), |value| (1, value))
}

fn size(key: u64) -> usize {
    (key % (RECORD as u64 + 1)) as usize
}

fn address(key: u64) -> *const () {
    key as *const ()
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

/// So many references on a task at once; the sum of what they say.
fn held(count: u64, pid: i32) -> (u64, u64) {
    let mut tasks = [const { None }; 32];
    let mut sum = 0;
    for place in tasks.iter_mut().take(count as usize) {
        *place = OwnedTaskStruct::from_pid(pid);
        sum += place.as_ref().map_or(0, |task: &OwnedTaskStruct| task.get_pid() as u64);
    }
    (tasks.iter().flatten().count() as u64, sum)
}

fn call(program: &kprobe, operation: u64, key: u64, value: u64, more: u64) -> (u64, u64) {
${callNames.map((name, index) => `    if operation == ${index} { return ${calls[name]}; }`).join("\n")}
    (u64::MAX, u64::MAX)
}

#[rex_kprobe(function = "__x64_sys_${syscallName}")]
fn operator(program: &kprobe, ctx: &mut PtRegs) -> Result {
    let [_, operation, key, value, more, slot] = ctx.syscall_regs()?.args();
    let (status, result) = call(program, operation, key, value, more);
    STATUS.insert(&(slot as u32), &status)?;
    VALUE.insert(&(slot as u32), &result)
}
`;
