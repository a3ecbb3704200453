// SPDX-License-Identifier: GPL-2.0-only

use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::fake::Fake;

const HASH: u32 = 1;
const PERCPU_HASH: u32 = 5;

fn map(fake: &Arc<Fake>, map_type: u32, value_size: u32) -> Map {
    let name = "m".to_string();
    let record = MapRecord {
        name,
        map_type,
        key_size: 2,
        value_size,
        max_entries: 8,
        flags: 0,
        lock_offset: None,
    };
    let fd = fake.map_create(&record, 3).unwrap();
    Map {
        record,
        id: 1,
        fd,
        kernel: fake.clone(),
    }
}

fn one(bytes: &[u8]) -> Value {
    Value::One(bytes.to_vec())
}

#[test]
fn elements_come_and_go() {
    let fake = Fake::new();
    let map = map(&fake, HASH, 3);
    assert_eq!(map.get(b"ab").unwrap(), None);
    map.set(b"ab", &one(b"xyz"), 1).unwrap();
    assert_eq!(map.get(b"ab").unwrap(), Some(one(b"xyz")));
    assert!(fake.called().contains(&"map_update 1".to_string()));
    assert!(map.delete(b"ab").unwrap());
    assert!(!map.delete(b"ab").unwrap());
}

#[test]
fn what_is_taken_is_gone() {
    let map = map(&Fake::new(), HASH, 3);
    map.set(b"ab", &one(b"xyz"), 0).unwrap();
    assert_eq!(map.take(b"ab").unwrap(), Some(one(b"xyz")));
    assert_eq!(map.take(b"ab").unwrap(), None);
    assert_eq!(map.take(b"a").unwrap_err().blame, Blame::Caller);
}

#[test]
fn perf_buffers_are_for_perf_event_arrays() {
    let fake = Fake::new();
    let error = |map_type, value_size| {
        let map = map(&fake, map_type, value_size);
        map.open_perf_buffers(&[1]).map(drop).unwrap_err()
    };
    assert!(error(HASH, 4).message.contains("no perf event array"));
    assert_eq!(
        error(perf_buffer::MAP_TYPE, 4).errno,
        Some(Errno(libc::ENODEV))
    );
    assert!(fake.called().contains(&"perf_buffer_open 1".to_string()));
}

#[test]
fn sizes_are_the_callers_business() {
    let map = map(&Fake::new(), HASH, 3);
    for error in [
        map.get(b"a").unwrap_err(),
        map.set(b"abc", &one(b"xyz"), 0).unwrap_err(),
        map.set(b"ab", &one(b"wxyz"), 0).unwrap_err(),
        map.set(b"ab", &Value::PerCpu(vec![b"xyz".to_vec(); 3]), 0)
            .unwrap_err(),
        map.delete(b"").unwrap_err(),
    ] {
        assert_eq!(
            (error.kind, error.blame),
            (Kind::Invalid, Blame::Caller),
            "{error}"
        );
    }
}

#[test]
fn per_cpu_values_are_padded_on_the_wire_only() {
    let map = map(&Fake::new(), PERCPU_HASH, 3);
    assert_eq!(map.shape().transfer_bytes(), 24);
    let values = Value::PerCpu(vec![b"abc".to_vec(), b"def".to_vec(), b"ghi".to_vec()]);
    map.set(b"ab", &values, 0).unwrap();
    assert_eq!(map.get(b"ab").unwrap(), Some(values));
    for wrong in [one(b"abc"), Value::PerCpu(vec![b"abc".to_vec(); 2])] {
        assert_eq!(map.set(b"ab", &wrong, 0).unwrap_err().blame, Blame::Caller);
    }
}

#[test]
fn an_element_beyond_all_measure_is_not_read() {
    for map_type in [HASH, PERCPU_HASH] {
        let map = map(&Fake::new(), map_type, u32::MAX);
        assert!(map.get(b"ab").unwrap_err().message.contains("at most"));
    }
}

#[test]
fn walking_a_map_is_bounded() {
    let fake = Fake::new();
    let map = map(&fake, HASH, 1);
    for key in 0..8u8 {
        map.set(&[0, key], &one(&[key]), 0).unwrap();
    }
    let all = map.entries(100, 1000).unwrap();
    assert_eq!((all.entries.len(), all.truncated), (8, false));
    assert_eq!(all.entries[7], (vec![0, 7], one(&[7])));
    let exactly = map.entries(8, 1000).unwrap();
    assert_eq!((exactly.entries.len(), exactly.truncated), (8, false));
    let some = map.entries(3, 1000).unwrap();
    assert_eq!((some.entries.len(), some.truncated), (3, true));
    // Three bytes each.
    let few = map.entries(100, 7).unwrap();
    assert_eq!((few.entries.len(), few.truncated), (2, true));
}

#[test]
fn a_walk_that_never_ends_is_ended() {
    // Keys that go as soon as they are seen send a walk back to the first.
    let fake = Fake::new();
    let map = map(&fake, HASH, 1);
    map.set(b"ab", &one(b"x"), 0).unwrap();
    fake.fail("map_lookup", libc::ENOENT);
    assert_eq!(map.entries(100, 1000).unwrap().entries, []);
    assert!(fake.called().len() < 100);
}

proptest! {
    #[test]
    fn values_round_trip(value_size in 0u32..40, seed: u8) {
        let map = map(&Fake::new(), PERCPU_HASH, value_size);
        let part = |cpu: u8| vec![seed.wrapping_add(cpu); value_size as usize];
        let values = Value::PerCpu((0..3).map(part).collect());
        prop_assert_eq!(map.unpack(map.pack(&values).unwrap()), values);
    }
}
