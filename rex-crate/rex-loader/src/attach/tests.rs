// SPDX-License-Identifier: GPL-2.0-only

use std::sync::Arc;

use super::*;
use crate::fake::Fake;
use crate::object_file::ProgramRecord;
use crate::target::{BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT};

const XDP: u32 = 6;

fn program(program_type: u32, attach: &str) -> Program {
    let fd = std::fs::File::open("/dev/null").unwrap().into();
    let (name, attach) = ("p".to_string(), attach.to_string());
    Program {
        record: ProgramRecord {
            name,
            program_type,
            attach,
        },
        id: 1,
        fd,
    }
}

fn kprobe_at(symbol: &str, offset: u64, ret: bool) -> Target {
    Target::Kprobe {
        symbol: symbol.to_string(),
        offset,
        ret,
    }
}

fn attach(fake: &Arc<Fake>, target: &Target) -> Result<Link, Error> {
    let loader = Loader::with_kernel(fake.clone());
    loader.attach(&program(BPF_PROG_TYPE_KPROBE, ""), target)
}

#[test]
fn targets_as_records_have_them() {
    let kprobe = |text| Target::parse(BPF_PROG_TYPE_KPROBE, text);
    assert_eq!(kprobe("vfs_read"), Ok(kprobe_at("vfs_read", 0, false)));
    assert_eq!(
        kprobe("kprobe/vfs_read+0x10"),
        Ok(kprobe_at("vfs_read", 16, false))
    );
    assert_eq!(
        kprobe("kprobe/vfs_read+16"),
        Ok(kprobe_at("vfs_read", 16, false))
    );
    assert_eq!(
        kprobe("kretprobe/vfs_read"),
        Ok(kprobe_at("vfs_read", 0, true))
    );
    for bad in [
        "",
        "kprobe/",
        "f+",
        "f+x",
        "+1",
        "kretprobe/f+1",
        "tracepoint/a/b",
    ] {
        assert!(kprobe(bad).is_err(), "{bad:?}");
    }
    let tracepoint = |text| Target::parse(BPF_PROG_TYPE_TRACEPOINT, text);
    let (category, name) = ("syscalls".to_string(), "sys_enter_dup".to_string());
    let target = Target::Tracepoint { category, name };
    for text in [
        "syscalls/sys_enter_dup",
        "syscalls:sys_enter_dup",
        "tracepoint/syscalls/sys_enter_dup",
    ] {
        assert_eq!(tracepoint(text).as_ref(), Ok(&target), "{text}");
        assert_eq!(
            Target::parse(BPF_PROG_TYPE_TRACEPOINT, &target.to_string()),
            Ok(target.clone())
        );
    }
    for bad in ["", "syscalls", "a/", "/b", "../x", "a/../../b", "a/b/c"] {
        assert!(tracepoint(bad).is_err(), "{bad:?}");
    }
    assert!(Target::parse(XDP, "eth0").unwrap_err().contains("xdp"));
}

#[test]
fn default_targets_say_who_left_them_out() {
    let error = program(BPF_PROG_TYPE_KPROBE, "")
        .default_target()
        .unwrap_err();
    assert_eq!(error.blame, Blame::Caller);
    let error = program(BPF_PROG_TYPE_TRACEPOINT, "nonsense")
        .default_target()
        .unwrap_err();
    assert_eq!(error.blame, Blame::Object);
}

#[test]
fn a_kprobe_is_a_perf_event_with_a_link() {
    let fake = Fake::new();
    let link = attach(&fake, &kprobe_at("vfs_read", 4, true)).unwrap();
    assert_eq!(link.id, 13);
    assert_eq!(
        fake.called(),
        [
            "perf_event_open Kprobe { pmu: 8, config: 1, symbol: \"vfs_read\", offset: 4 }",
            "link_create",
            "perf_event_enable",
            "link_details",
        ]
    );
}

#[test]
fn a_tracepoint_is_found_below_debugfs_too() {
    let fake = Fake::new();
    let target = Target::parse(BPF_PROG_TYPE_TRACEPOINT, "syscalls/sys_enter_dup").unwrap();
    attach(&fake, &target).unwrap();
    assert_eq!(fake.called()[0], "perf_event_open Tracepoint { id: 123 }");
    let target = Target::parse(BPF_PROG_TYPE_TRACEPOINT, "syscalls/none").unwrap();
    assert_eq!(attach(&fake, &target).unwrap_err().kind, Kind::NotFound);
    // A target that wasn't parsed doesn't get out of tracefs either.
    let escape = Target::Tracepoint {
        category: "..".to_string(),
        name: "x".to_string(),
    };
    assert_eq!(attach(&fake, &escape).unwrap_err().blame, Blame::Caller);
}

#[test]
fn refusals_of_the_kernel() {
    for (errno, kind, words) in [
        (libc::ENOENT, Kind::NotFound, "no such function"),
        (libc::EADDRNOTAVAIL, Kind::Invalid, "several functions"),
        (libc::EINVAL, Kind::Errno, "can't be probed"),
        (libc::EPERM, Kind::Errno, "kprobe/f"),
    ] {
        let fake = Fake::new();
        fake.fail("perf_event_open", errno);
        let error = attach(&fake, &kprobe_at("f", 0, false)).unwrap_err();
        assert_eq!((error.kind, error.errno), (kind, Some(Errno(errno))));
        assert!(error.message.contains(words), "{error}");
    }
    let fake = Fake::new();
    fake.fail("link_create", libc::EINVAL);
    let error = attach(&fake, &kprobe_at("f", 0, false)).unwrap_err();
    assert!(error.to_string().contains("EINVAL"), "{error}");
}

#[test]
fn a_kernel_without_kprobes() {
    let fake = Fake::new();
    fake.files.lock().unwrap().clear();
    let error = attach(&fake, &kprobe_at("f", 0, false)).unwrap_err();
    assert_eq!(
        (error.blame, error.errno),
        (Blame::Kernel, Some(Errno(libc::ENOENT)))
    );
    fake.file("/sys/bus/event_source/devices/kprobe/type", "8");
    fake.file(
        "/sys/bus/event_source/devices/kprobe/format/retprobe",
        "config:64",
    );
    let error = attach(&fake, &kprobe_at("f", 0, true)).unwrap_err();
    assert!(error.message.contains("config:64"), "{error}");
}

#[test]
fn a_counter_is_a_perf_event_of_one_cpu() {
    let fake = Fake::new();
    let target = |event: &str, sample_period| Target::PerfEvent {
        event: event.to_string(),
        sample_period,
        cpu: 1,
    };
    attach(&fake, &target("cpu-clock", 1_000_000)).unwrap();
    assert_eq!(
        fake.called()[..2],
        [
            "perf_event_open Counter { event_type: 1, config: 0, sample_period: 1000000, cpu: 1 }",
            "link_create",
        ]
    );
    let error = attach(&fake, &target("cpu-watch", 1)).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert!(error.message.contains("cpu-clock"), "{error}");
    assert_eq!(
        attach(&fake, &target("cpu-clock", 0)).unwrap_err().blame,
        Blame::Caller
    );
    fake.fail("perf_event_open", libc::ENOENT);
    let error = attach(&fake, &target("cpu-cycles", 1)).unwrap_err();
    assert_eq!(error.kind, Kind::Unsupported);
}

#[test]
fn devices_are_linked_to_by_their_number() {
    let fake = Fake::new();
    let xdp = |device: &str, mode| Target::Xdp {
        device: device.to_string(),
        mode,
    };
    let link = attach(&fake, &xdp("veth0", XdpMode::Generic)).unwrap();
    attach(&fake, &xdp("veth0", XdpMode::Native)).unwrap();
    attach(
        &fake,
        &Target::Tcx {
            device: "veth0".to_string(),
            direction: Direction::Egress,
        },
    )
    .unwrap();
    let links: Vec<_> = fake.called();
    let links: Vec<_> = links.iter().filter(|call| call.contains("index")).collect();
    assert_eq!(
        links,
        [
            "link_create Device { index: 7, attach_type: 37, flags: 2 }",
            "link_create Device { index: 7, attach_type: 37, flags: 4 }",
            "link_create Device { index: 7, attach_type: 47, flags: 0 }",
        ]
    );
    let error = attach(&fake, &xdp("veth9", XdpMode::Any)).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    for escape in ["", "..", "../veth0", "a\0b"] {
        let error = attach(&fake, &xdp(escape, XdpMode::Any)).unwrap_err();
        assert_eq!(error.blame, Blame::Caller, "{escape:?}");
    }

    let loader = Loader::with_kernel(fake.clone());
    loader.update_link(&link, &program(XDP, ""), None).unwrap();
    loader.detach_link(&link).unwrap();
    fake.fail("link_update", libc::EINVAL);
    let (other, old) = (program(XDP, ""), program(XDP, ""));
    let error = loader.update_link(&link, &other, Some(&old)).unwrap_err();
    assert!(error.message.contains("generic xdp on veth0"), "{error}");
}
