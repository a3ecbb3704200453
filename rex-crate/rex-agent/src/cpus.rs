// SPDX-License-Identifier: GPL-2.0-only
//! The CPUs, from sysfs.

use rex_protocol::{CpusResult, ErrorBody};

use crate::text::read_text;

const FOLDER: &str = "/sys/devices/system/cpu";
/// Linux has no more than 8192.
const MAX_CPUS: usize = 8192;

/// Lists the CPUs.
pub fn read() -> Result<CpusResult, ErrorBody> {
    Ok(CpusResult {
        possible: list("possible")?,
        online: list("online")?,
    })
}

fn list(name: &str) -> Result<Vec<u32>, ErrorBody> {
    let path = format!("{FOLDER}/{name}");
    let text = read_text(&path, 4096)
        .map_err(|error| ErrorBody::internal(format!("{path} can't be read: {error}")))?;
    parse(&text).ok_or_else(|| ErrorBody::internal(format!("{path} says {text:?}")))
}

/// Parses a list such as `0-3,5`.
fn parse(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for range in text.trim().split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last as usize >= MAX_CPUS {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(parse("0\n"), Some(vec![0]));
        assert_eq!(parse("0-2,5,7-8\n"), Some(vec![0, 1, 2, 5, 7, 8]));
        assert_eq!(parse("\n"), Some(vec![]));
        assert_eq!(parse("0-x"), None);
        assert_eq!(parse("0-4294967295"), None);
    }
}
