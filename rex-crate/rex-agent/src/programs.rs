// SPDX-License-Identifier: GPL-2.0-only
//! What Rex programs have done so far, from debugfs.

use std::str::FromStr;

use rex_loader::program_type_name;
use rex_protocol::{Blame, ErrorBody, ErrorKind, ProgramStats, ProgramsResult};

use crate::text::{read_text, unescape};

const PATH: &str = "/sys/kernel/debug/rex/programs";
/// Some hundred bytes for each program.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads what the kernel says of its programs.
pub fn read() -> Result<ProgramsResult, ErrorBody> {
    let text = read_text(PATH, MAX_BYTES).map_err(|error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "this kernel does not say what its programs do (no rex/programs in debugfs)".into()
            }
            _ => format!("{PATH} can't be read: {error}"),
        };
        ErrorBody::new(ErrorKind::Unsupported, Blame::Kernel, message)
    })?;
    let programs = parse(&text)
        .map_err(|why| ErrorBody::internal(format!("{PATH} isn't understood: {why}")))?;
    Ok(ProgramsResult { programs })
}

/// Parses the file: blocks of `key value` lines, from `program` to `end`.
fn parse(text: &str) -> Result<Vec<ProgramStats>, String> {
    let mut programs = Vec::new();
    let mut open: Option<ProgramStats> = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match (key, &mut open) {
            ("program", None) => {
                open = Some(ProgramStats {
                    id: number(key, value)?,
                    ..Default::default()
                });
            }
            ("end", Some(_)) => programs.extend(open.take()),
            (_, Some(program)) => field(program, key, value)?,
            (_, None) => return Err(format!("{line:?} outside a program")),
        }
    }
    match open {
        None => Ok(programs),
        Some(program) => Err(format!("program {} has no end", program.id)),
    }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{key} is {value:?}"))
}

fn field(program: &mut ProgramStats, key: &str, value: &str) -> Result<(), String> {
    match key {
        "name" => program.name = value.to_owned(),
        "object" => program.object = unescape(value.as_bytes()),
        "type" => program.program_type = program_type_name(number(key, value)?),
        "runs" => program.runs = number(key, value)?,
        "misses" => program.misses = number(key, value)?,
        "exits" => program.exits = number(key, value)?,
        "stopped" => program.stopped = number::<u8>(key, value)? != 0,
        "stack_bound" => {
            program.stack_bound_bytes = Some(number(key, value)?).filter(|bytes| *bytes != 0);
        }
        "stack_used" => program.stack_used_bytes = number(key, value)?,
        "report_used" => program.report_used_bytes = number(key, value)?,
        "total_used" => program.total_used_bytes = number(key, value)?,
        "measured" => program.measured_runs = number(key, value)?,
        // A newer kernel may say more.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = r"program 3
name hello
object a\040b
type 2
runs 17
misses 2
exits 1
stopped 1
stack_bound 344
stack_used 312
report_used 500
total_used 1688
measured 15
newer thing
end
program 4
name other
stack_bound 0
stopped 0
end
";

    #[test]
    fn programs() {
        let programs = parse(SAMPLE).unwrap();
        let [first, second] = &programs[..] else {
            panic!("{programs:?}");
        };
        let expected = ProgramStats {
            id: 3,
            name: "hello".into(),
            object: "a b".into(),
            program_type: "kprobe".into(),
            runs: 17,
            misses: 2,
            exits: 1,
            stopped: true,
            stack_bound_bytes: Some(344),
            stack_used_bytes: 312,
            report_used_bytes: 500,
            total_used_bytes: 1688,
            measured_runs: 15,
        };
        assert_eq!(*first, expected);
        assert_eq!((second.id, second.stack_bound_bytes), (4, None));
        assert!(!second.stopped);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, words) in [
            ("runs 3\n", "outside a program"),
            ("program x\n", "program is \"x\""),
            ("program 1\nruns -\nend\n", "runs is \"-\""),
            ("program 1\nstack_bound\nend\n", "stack_bound is \"\""),
            ("program 1\nruns 1\n", "program 1 has no end"),
            ("end\n", "outside a program"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(words), "{text:?}: {why}");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in ".{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_cut(at in any::<prop::sample::Index>()) {
            let _ = parse(&SAMPLE[..at.index(SAMPLE.len())]);
        }
    }
}
