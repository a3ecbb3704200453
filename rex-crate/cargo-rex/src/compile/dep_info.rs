// SPDX-License-Identifier: GPL-2.0-only
//! What the compiler has read, as its dep-info file tells it: for make, with
//! blanks in names escaped and nothing else.
//!
//! A name with a backslash or a line break in it reads like other names. So the
//! list is believed only where it says the same twice: in the rules of what was
//! made, and in the rules without a right side that follow, one for each file.

use std::path::PathBuf;

/// The files and environment variables that were read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DepInfo {
    pub files: Vec<PathBuf>,
    pub variables: Vec<String>,
}

impl DepInfo {
    /// Reads the file's text; `None` if the names in it can't be told for sure.
    pub fn parse(text: &str) -> Option<Self> {
        let mut listed: Option<Vec<&str>> = None;
        let mut alone = Vec::new();
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(": ") {
                Some((_, names)) => {
                    let names = names_in(names);
                    if listed.as_ref().is_some_and(|listed| *listed != names) {
                        return None;
                    }
                    listed = Some(names);
                }
                None => alone.push(line.strip_suffix(':')?),
            }
        }
        let listed = listed.filter(|listed| *listed == alone)?;
        let files: Option<_> = listed.into_iter().map(unescaped).collect();
        Some(Self {
            files: files?,
            variables: variables(text),
        })
    }
}

/// The names, as they are escaped.
fn names_in(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        if !text[..at].ends_with('\\') {
            found.push(&text[start..at]);
            start = at + 1;
        }
    }
    found.push(&text[start..]);
    found
}

/// The name that is meant; `None` if it has a backslash of its own.
fn unescaped(name: &str) -> Option<PathBuf> {
    let name = name.replace("\\ ", " ");
    (!name.is_empty() && !name.contains('\\')).then(|| PathBuf::from(name))
}

/// The names in the `# env-dep:NAME=value` lines.
fn variables(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# env-dep:"))
        .map(|variable| variable.split('=').next().unwrap_or(variable).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn files_and_variables_are_told() {
        let text = "/t/p.d: src/main.rs src/with\\ blank.rs\n\n/t/p.a: src/main.rs src/with\\ blank.rs\n\n\
             src/main.rs:\nsrc/with\\ blank.rs:\n\n# env-dep:X=1\n";
        let read = DepInfo::parse(text).unwrap();
        assert_eq!(
            read.files,
            [Path::new("src/main.rs"), Path::new("src/with blank.rs")]
        );
        assert_eq!(read.variables, ["X"]);
    }

    #[test]
    fn names_that_read_like_others_are_not_believed() {
        for names in [
            // What the compiler writes of `a\b.rs`, `a\ b.rs` and `a⏎b.rs`.
            &["src/main.rs", "src/a\\b.rs"][..],
            &["src/main.rs", "src/a\\\\ b.rs"],
            &["src/main.rs", "src/a\nb.rs"],
            &["src/main.rs", "src/a: b\n"],
            &["src/main.rs", ""],
        ] {
            let list = names.join(" ");
            let alone: String = names.iter().map(|name| format!("{name}:\n")).collect();
            let text = format!("/t/p.a: {list}\n\n{alone}");
            assert_eq!(DepInfo::parse(&text), None, "{text}");
        }
    }
}
