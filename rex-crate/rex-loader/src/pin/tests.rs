// SPDX-License-Identifier: GPL-2.0-only
use std::sync::Arc;

use crate::error::Kind;
use crate::fake::Fake;
use crate::load::Loader;

#[test]
fn what_is_pinned_comes_back_as_what_it_was() {
    let fake = Fake::new();
    let loader = Loader::with_kernel(fake.clone());
    let program = loader.pinned_program("/sys/fs/bpf/p").unwrap();
    assert_eq!((program.id, program.record.attach.as_str()), (11, ""));
    loader.pin_program(&program, "/sys/fs/bpf/q").unwrap();
    let map = loader.pinned_map("/sys/fs/bpf/m").unwrap();
    loader.pin_map(&map, "/sys/fs/bpf/n").unwrap();
    let link = loader.pinned_link("/sys/fs/bpf/l").unwrap();
    assert_eq!(link.to_string(), "link 13");
    loader.pin_link(&link, "/sys/fs/bpf/k").unwrap();
    let pins = fake.called();
    let pins: Vec<_> = pins.iter().filter(|call| call.starts_with("pin")).collect();
    assert_eq!(
        pins,
        [
            "pinned Program /sys/fs/bpf/p",
            "pin /sys/fs/bpf/q",
            "pinned Map /sys/fs/bpf/m",
            "pin /sys/fs/bpf/n",
            "pinned Link /sys/fs/bpf/l",
            "pin /sys/fs/bpf/k",
        ]
    );
}

#[test]
fn what_is_not_there_and_what_is_something_else() {
    let fake = Fake::new();
    let loader = Loader::with_kernel(Arc::<Fake>::clone(&fake));
    fake.fail("pinned", libc::ENOENT);
    let error = loader.pinned_link("/sys/fs/bpf/none").err().unwrap();
    assert_eq!(error.kind, Kind::NotFound);
    fake.fail("pinned", libc::EINVAL);
    let error = loader.pinned_map("/sys/fs/bpf/p").err().unwrap();
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message.ends_with("isn't a map"), "{error}");
    assert_eq!(loader.pinned_map("a\0b").err().unwrap().kind, Kind::Invalid);
}
