// SPDX-License-Identifier: GPL-2.0-only
//! What a program may say, and what the builder makes of it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::common::{self, Workshop};
use cargo_rex::compile::input::{Input, OptLevel, Request};
use cargo_rex::compile::{Built, compile};
use rex_abi::REX_PROG_F_OVERRIDE;
use rex_verify::Verified;

fn request(name: &str, text: Option<&str>, path: Option<&Path>) -> Request {
    Request {
        id: String::new(),
        name: name.into(),
        text: text.map(str::to_owned),
        path: path.map(Path::to_owned),
        opt_level: None,
    }
}

#[track_caller]
fn build(workshop: &Workshop, request: &Request) -> (Built, Verified) {
    let input = Input::resolve(request).unwrap().unwrap();
    let outcome = compile(&workshop.sysroot, workshop.cache(), &input, false).unwrap();
    let built = match outcome {
        Ok(built) => built,
        Err(refusal) => panic!("{} was refused: {}", request.name, refusal.rendered),
    };
    let verified = rex_verify::verify(&fs::read(&built.object).unwrap()).unwrap();
    (built, verified)
}

/// A program on a kprobe with `body`, which may use `program` and `ctx`.
fn kprobe(items: &str, body: &str) -> String {
    format!(
        "#![no_std]\n#![no_main]\n\
         use rex::kprobe::kprobe;\nuse rex::pt_regs::PtRegs;\nuse rex::{{Result, rex_kprobe}};\n\
         {items}\n#[rex_kprobe]\n\
         fn program(program: &kprobe, ctx: &mut PtRegs) -> Result {{\n{body}\n}}\n"
    )
}

#[test]
fn every_fixture_program_builds_without_warnings_and_gives_its_records() {
    let workshop = Workshop::open();
    let folder = common::repository().join("fixtures/programs");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (built, verified) = build(&workshop, &request(&name, None, Some(&path)));
        assert_eq!(built.warnings, "", "{name}");
        assert!(!built.cached);
        for program in &verified.image.programs {
            assert_ne!(program.attach, "", "{name} says where to attach");
        }
        names.push(name);
    }
    assert!(names.len() >= 11, "{names:?}");
}

/// Written from the list of names and shapes alone: what an author has who
/// does not know how they are made.
#[test]
fn programs_in_the_known_shapes_build_without_warnings() {
    let workshop = Workshop::open();
    let folder = common::repository().join("fixtures/source-compat");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (built, verified) = build(&workshop, &request(&name, Some(&text), None));
        assert_eq!(built.warnings, "", "{name}");
        assert!(!verified.image.programs.is_empty(), "{name}");
        names.push(name);
    }
    assert!(names.len() >= 12, "{names:?}");
}

/// The names that existing programs use. Of those, `rex_spinlock_guard` can't be
/// sound; docs/migration.md says what is written instead.
const KNOWN_NAMES: &str = "\
    Aligned AlignedMut AtomicU64 IPPROTO_TCP IPPROTO_UDP NoRef OwnedTaskStruct \
    PerfEventMaskedCPU PtRegs RawSyscallsEnterCtx RawSyscallsExitCtx Result RexArrayMap \
    RexHashMap RexMapHandle RexPerCPUArrayMap RexPerfEventArray RexQueue RexRingBuf \
    RexRingBufEntry RexStack RexStackTrace SyscallsEnterDupCtx SyscallsEnterOpenCtx \
    SyscallsEnterOpenatCtx SyscallsExitOpenCtx SyscallsExitOpenatCtx TC_ACT_OK TC_ACT_SHOT \
    TaskStruct TracepointContext XDP_ABORTED XDP_DROP XDP_PASS XDP_REDIRECT XDP_TX __sk_buff \
    addr any_cpu args available_bytes bpf bpf_clone_redirect bpf_get_current_task \
    bpf_get_numa_node_id bpf_get_prandom_u32 bpf_get_smp_processor_id bpf_get_stackid_pe \
    bpf_jiffies64 bpf_ktime_get_boot_ns bpf_ktime_get_boot_ns_origin bpf_ktime_get_coarse_ns \
    bpf_ktime_get_coarse_ns_origin bpf_ktime_get_ns bpf_ktime_get_ns_origin bpf_map_delete_elem \
    bpf_map_lookup_elem bpf_map_peek_elem bpf_map_pop_elem bpf_map_push_elem bpf_map_update_elem \
    bpf_override_return bpf_perf_event_data bpf_perf_event_value bpf_perf_prog_read_value \
    bpf_probe_read_kernel bpf_snprintf bpf_spin_lock bpf_xdp_adjust_tail cb compute_ip_checksum \
    consumer_position convert_slice_to_struct convert_slice_to_struct_mut cs current_cpu daddr \
    data_len data_length data_meta data_slice delete discard eflags egress_ifindex errno \
    eth_header ethhdr force_push from_pid function get_comm get_mut get_pid get_pt_regs get_tgid \
    get_utime hash id ifindex in ingress_ifindex insert insert_new ip_header iphdr kprobe len \
    mark napi_id orig_rax output peek perf_event pkt_cls pkt_type pop priority producer_position \
    protocol pt_regs ptrace push queue_mapping r10 r11 r12 r13 r14 r15 r8 r9 rax rbp rbx rcx rdi \
    rdx read_field regs reserve ret rex_kprobe rex_map rex_perf_event rex_printk rex_tc \
    rex_tracepoint rex_xdp rip rsi rsp rx_queue_index saddr sample_period sched_cls seccomp size \
    ss submit tc_classid tc_index tcp_header tcphdr tracepoint u16be udp_header udphdr unistd \
    update vlan_present vlan_proto vlan_tci xdp xdp_md";

#[test]
fn every_known_name_is_used_by_a_program_in_the_known_shapes() {
    let folder = common::repository().join("fixtures/source-compat");
    let mut used = HashSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        used.extend(words.map(str::to_owned));
    }
    let unused = KNOWN_NAMES.split_whitespace();
    let unused: Vec<_> = unused.filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn a_second_build_comes_from_the_cache() {
    let workshop = Workshop::open();
    let text = kprobe("", "let _ = (program, ctx); Ok(0)");
    let request = request("cached", Some(&text), None);
    let (first, _) = build(&workshop, &request);
    let (second, _) = build(&workshop, &request);
    assert!(!first.cached && second.cached);
    assert_eq!(first.object, second.object);
}

#[test]
fn each_level_of_optimisation_gives_an_object_of_its_own() {
    let workshop = Workshop::open();
    let text = kprobe("", "Ok(core::hint::black_box(ctx.rdi()) as i32)");
    let usual = request("level", Some(&text), None);
    let levels = [
        OptLevel::Zero,
        OptLevel::One,
        OptLevel::Three,
        OptLevel::Size,
    ];
    let folders: HashSet<_> = [None]
        .into_iter()
        .chain(levels.map(Some))
        .map(|opt_level| {
            let (built, _) = build(
                &workshop,
                &Request {
                    opt_level,
                    ..usual.clone()
                },
            );
            assert!(!built.cached, "{opt_level:?}");
            built.object
        })
        .collect();
    assert_eq!(folders.len(), 5);
    let (unoptimised, usual) = (
        Request {
            opt_level: Some(OptLevel::Zero),
            ..usual.clone()
        },
        usual,
    );
    let bytes = |request| fs::read(build(&workshop, request).0.object).unwrap();
    assert_ne!(bytes(&unoptimised), bytes(&usual));
}

#[test]
fn the_verifier_finds_the_panic_handler_to_check_it() {
    let workshop = Workshop::open();
    let text = kprobe("", "let _ = program; Ok([1, 2, 3][ctx.rdi() as usize])");
    let (_, verified) = build(&workshop, &request("panicking", Some(&text), None));
    let handlers = verified.image.functions.values();
    let handlers = handlers.filter(|function| function.name == rex_verify::PANIC_HANDLER);
    assert_eq!(handlers.count(), 1);
}

#[test]
fn two_builds_give_the_same_bytes() {
    let text = kprobe("", "let _ = program; Ok([1, 2, 3][ctx.rdi() as usize])");
    let request = request("same", Some(&text), None);
    let bytes = || {
        let workshop = Workshop::open();
        let (built, _) = build(&workshop, &request);
        fs::read(built.object).unwrap()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn names_of_the_kernel_s_and_the_macros_own_items_are_free() {
    let workshop = Workshop::open();
    let text = "#![no_std]\n#![no_main]\n\
        use rex::kprobe::kprobe;\nuse rex::map::{RexArrayMap, RexHashMap};\nuse rex::pt_regs::PtRegs;\n\
        use rex::{Result, rex_kprobe, rex_map};\n\
        #[derive(Clone, Copy)] #[repr(C)] struct Key(u64);\n\
        #[derive(Clone, Copy)] #[repr(C)] struct Value { a: u32, b: u32 }\n\
        #[rex_map] static RECORD: RexHashMap<Key, Value> = RexHashMap::new(4, 0);\n\
        #[rex_map] static SHAPE: RexArrayMap<Value> = RexArrayMap::new(SIZE, 0);\n\
        const SIZE: u32 = 2;\n\
        #[rex_kprobe(function = \"vfs_read\")] fn memcpy(_: &kprobe, ctx: &mut PtRegs) -> Result {\n\
            RECORD.insert(&Key(ctx.rdi()), &Value { a: 1, b: 2 })?;\n\
            Ok(SHAPE.get(&0).map_or(0, |value| (value.a + value.b) as i32))\n\
        }\n\
        #[rex_kprobe] fn rex_entry(_: &kprobe, _: &mut PtRegs) -> Result { Ok(1) }\n";
    let (_, verified) = build(&workshop, &request("names", Some(text), None));
    let image = &verified.image;
    let programs: Vec<_> = image
        .programs
        .iter()
        .map(|p| (&*p.name, &*p.attach))
        .collect();
    assert!(programs.contains(&("memcpy", "vfs_read")), "{programs:?}");
    assert!(programs.contains(&("rex_entry", "")), "{programs:?}");
    let mut maps: Vec<_> = image
        .maps
        .iter()
        .map(|map| (&*map.name, map.key_size, map.value_size, map.max_entries))
        .collect();
    maps.sort_unstable();
    assert_eq!(maps, [("RECORD", 8, 8, 4), ("SHAPE", 4, 8, 2)]);
    let names: Vec<_> = image.functions.values().map(|f| &*f.name).collect();
    assert!(names.contains(&"names::memcpy"), "{names:?}");
}

#[test]
fn a_map_without_the_attribute_has_no_record() {
    let workshop = Workshop::open();
    let text = kprobe(
        "use rex::map::RexArrayMap;\nstatic MAP: RexArrayMap<u64> = RexArrayMap::new(1, 0);",
        "let _ = (program, ctx); Ok(MAP.get(&0).map_or(-1, |value| value as i32))",
    );
    let (_, verified) = build(&workshop, &request("bare", Some(&text), None));
    assert!(verified.image.maps.is_empty());
}

#[test]
fn only_programs_that_override_are_marked() {
    let workshop = Workshop::open();
    let path = common::repository().join("fixtures/programs/override-return");
    let (_, verified) = build(&workshop, &request("override-return", None, Some(&path)));
    for program in &verified.image.programs {
        let marked = program.flags & REX_PROG_F_OVERRIDE != 0;
        assert_eq!(
            marked,
            program.name == "override_return",
            "{}",
            program.name
        );
    }
}

#[test]
fn a_panic_s_location_is_relative_and_the_program_keeps_its_frame() {
    let workshop = Workshop::open();
    let text = kprobe(
        "",
        "let _ = program; assert!(ctx.rdi() != 7, \"seven\"); Ok(0)",
    );
    let (built, verified) = build(&workshop, &request("place", Some(&text), None));
    let bytes = fs::read(&built.object).unwrap();
    let contains = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(contains("src/main.rs"));
    assert!(!contains("/src/main.rs"), "no path of this machine");
    let names = verified.image.functions.values().map(|f| &*f.name);
    assert!(names.into_iter().any(|name| name == "place::program"));
}

#[test]
fn a_line_of_a_diagnostic_is_the_text_s() {
    let workshop = Workshop::open();
    let text = kprobe("", "let _ = (program, ctx);\nOk(0u64)");
    let input = Input::resolve(&request("lines", Some(&text), None))
        .unwrap()
        .unwrap();
    let refusal = compile(&workshop.sysroot, workshop.cache(), &input, false)
        .unwrap()
        .unwrap_err();
    assert!(
        refusal.rendered.contains("--> src/main.rs:10:4"),
        "{}",
        refusal.rendered
    );
    assert_eq!(refusal.diagnostics[0]["spans"][0]["line_start"], 10);
}
