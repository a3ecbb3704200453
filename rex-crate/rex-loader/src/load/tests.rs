// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use crate::fake::Fake;
use crate::object_file::tests::sample;

fn load(fake: &Arc<Fake>) -> Result<LoadedObject, Error> {
    let bytes = sample();
    let file = ObjectFile::parse(&bytes).unwrap();
    Loader::with_kernel(fake.clone()).load(&file, &bytes, "obj")
}

#[test]
fn maps_first_then_the_object_then_its_programs() {
    let fake = Fake::new();
    let object = load(&fake).unwrap();
    assert_eq!(
        fake.called(),
        [
            "map_create counts",
            "map_details",
            "rex_load obj [counts]",
            "rex_get_program hello",
            "program_details",
            "rex_get_program tp",
            "program_details",
        ]
    );
    assert_eq!((object.programs.len(), object.programs[0].id), (2, 11));
    assert_eq!((object.maps.len(), object.maps[0].id), (1, 12));
}

#[test]
fn a_kernel_without_rex_is_named() {
    let fake = Fake::new();
    assert!(Loader::with_kernel(fake.clone()).has_rex());
    fake.fail("rex", libc::EINVAL);
    assert!(!Loader::with_kernel(fake.clone()).has_rex());
    let error = load(&fake).err().unwrap();
    assert_eq!(error.message, "this kernel has no Rex");
    assert_eq!(
        (error.kind, error.blame),
        (Kind::Unsupported, Blame::Kernel)
    );
    assert_eq!(fake.called(), Vec::<String>::new());
}

#[test]
fn a_refusal_carries_errno_and_log_and_blames_the_object() {
    let fake = Fake::new();
    fake.fail("rex_load", libc::ENOEXEC);
    *fake.log.lock().unwrap() = "segment 2: writable and executable\n".to_string();
    let error = load(&fake).err().unwrap();
    assert_eq!((error.kind, error.blame), (Kind::Errno, Blame::Object));
    assert_eq!(error.errno, Some(Errno(libc::ENOEXEC)));
    assert_eq!(
        error.log.as_deref(),
        Some("segment 2: writable and executable\n")
    );
    assert_eq!(error.message, "the kernel refused object obj");
}

#[test]
fn who_is_to_blame() {
    for (call, errno, log, blame) in [
        ("rex_load", libc::ENOMEM, "", Blame::Kernel),
        (
            "rex_load",
            libc::EPERM,
            "object: loading needs CAP_BPF\n",
            Blame::Caller,
        ),
        (
            "rex_load",
            libc::EPERM,
            "program p: its entry is not a function\n",
            Blame::Object,
        ),
        ("map_create", libc::EINVAL, "", Blame::Object),
        ("map_create", libc::EPERM, "", Blame::Caller),
        ("map_create", libc::ENOMEM, "", Blame::Kernel),
        ("rex_get_program", libc::ENOENT, "", Blame::Object),
        ("rex_get_program", libc::ENOMEM, "", Blame::Kernel),
    ] {
        let fake = Fake::new();
        fake.fail(call, errno);
        *fake.log.lock().unwrap() = log.to_string();
        let error = load(&fake).err().unwrap();
        assert_eq!(
            (error.blame, error.errno),
            (blame, Some(Errno(errno))),
            "{call} {errno}"
        );
    }
}

#[test]
fn lists_of_cpus() {
    for (list, count) in [("0", Some(1)), ("0-3", Some(4)), ("0-1,4,6-7", Some(5))] {
        assert_eq!(count_cpus(list), count, "{list}");
    }
    for list in ["", "x", "3-1", "0-4294967295", "0-1,,2"] {
        assert_eq!(count_cpus(list), None, "{list}");
    }
}

#[test]
fn test_runs() {
    let fake = Fake::new();
    let object = load(&fake).unwrap();
    let loader = Loader::with_kernel(fake.clone());
    let run = TestRun {
        repeat: 3,
        ..Default::default()
    };
    assert_eq!(
        loader.test_run(&object.programs[0], &run).unwrap().retval,
        3
    );
    fake.fail("test_run", 524);
    let error = loader.test_run(&object.programs[0], &run).unwrap_err();
    assert_eq!(error.kind, Kind::Unsupported);
}

#[test]
fn the_inventory_leaves_out_what_is_gone() {
    let fake = Fake::new();
    *fake.program_ids.lock().unwrap() = vec![3, 7, 100];
    let loader = Loader::with_kernel(fake.clone());
    assert_eq!(loader.programs().unwrap().len(), 2);
    fake.fail("next_id", libc::EPERM);
    assert_eq!(loader.programs().unwrap_err().blame, Blame::Caller);
}
