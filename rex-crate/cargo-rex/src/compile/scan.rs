// SPDX-License-Identifier: GPL-2.0-only
//! Refusing words.
//!
//! `-F unsafe-code` has holes: a naked function is arbitrary assembly, and
//! some attributes choose a section or a symbol without it. Neither can be
//! written without one of the words below, in whatever file the compiler
//! reads; and a macro can't put a word together from parts.

mod words;

use std::fs;

use anyhow::{Context, Result};

use super::rustc::Compiled;
use super::{Job, Refusal, Stage};
use words::{Word, words};

/// Words that no program needs, and why it may not have them.
const REFUSED: &[(&str, &str)] = &[
    ("unsafe", "programs are written in safe Rust"),
    ("naked", "a naked function is assembly"),
    ("naked_asm", "a program has no assembly"),
    ("global_asm", "a program has no assembly"),
    ("asm", "a program has no assembly"),
    ("link_section", "the builder decides about sections"),
    ("no_mangle", "the builder decides about symbols"),
    ("export_name", "the builder decides about symbols"),
    ("link_name", "the builder decides about symbols"),
    ("link_ordinal", "the builder decides about symbols"),
    ("linkage", "the builder decides about symbols"),
];

/// Words that are refused only as a macro's name.
const MACROS: &[&str] = &["asm"];

/// Scans every file that the compiler read; all must be the program's own.
pub(super) fn run(job: &Job<'_>, compiled: &Compiled) -> Result<std::result::Result<(), Refusal>> {
    let root = job.root();
    let root = root
        .canonicalize()
        .with_context(|| format!("can't open {}", root.display()))?;
    let mut refused = String::new();
    for file in &compiled.files {
        let real = file
            .canonicalize()
            .with_context(|| format!("can't open {}", file.display()))?;
        let Ok(relative) = real.strip_prefix(&root) else {
            refused += &format!(
                "error: {} is outside of the program's folder\n",
                file.display()
            );
            continue;
        };
        // What is in the key, the cache has an answer to.
        if !job.input.is_text() && !job.input.files.iter().any(|(path, _)| path == relative) {
            refused += &format!(
                "error: {} is read, but is no part of the program: \
                 that is a single file, or a project without what is hidden or in `target`\n",
                relative.display()
            );
        }
        // Data from include_bytes! need not be text, and can't be code then.
        if let Ok(text) = String::from_utf8(fs::read(&real)?) {
            refused += &scan(&relative.display().to_string(), &text);
        }
    }
    for variable in &compiled.variables {
        refused += &format!("error: the program reads the environment variable `{variable}`\n");
    }
    if refused.is_empty() {
        return Ok(Ok(()));
    }
    Ok(Err(Refusal::new(Stage::Scan, refused)))
}

/// One paragraph for each refused word in `text`.
pub fn scan(name: &str, text: &str) -> String {
    let mut refused = String::new();
    for Word {
        word,
        line,
        column,
        is_macro,
    } in words(text)
    {
        let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == word) else {
            continue;
        };
        if MACROS.contains(&word) && !is_macro {
            continue;
        }
        let source = text.lines().nth(line - 1).unwrap_or_default();
        refused += &format!(
            "error: `{word}` is not allowed in a Rex program: {why}\n --> {name}:{line}:{column}\n  | {source}\n"
        );
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_word_is_shown_where_it_is() {
        let text = "fn f() {}\n#[unsafe(naked)]\nfn g() {}\n";
        let refused = scan("src/main.rs", text);
        assert!(refused.contains("`unsafe` is not allowed"), "{refused}");
        assert!(refused.contains("--> src/main.rs:2:3"), "{refused}");
        assert!(refused.contains("--> src/main.rs:2:10"), "{refused}");
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        let text = r####"
            // unsafe
            /* unsafe /* naked */ unsafe */
            /// unsafe
            const A: &str = "unsafe \" unsafe";
            const B: &str = r#"unsafe " unsafe"#;
            const C: &[u8] = br"unsafe";
            const D: &core::ffi::CStr = c"unsafe";
            const E: char = '"'; const F: char = '\''; const G: u8 = b'"';
            fn f<'unsafe_>(x: &'unsafe_ u8) -> u8 { *x }
        "####;
        assert_eq!(scan("main.rs", text), "");
    }

    #[test]
    fn what_follows_a_string_or_a_lifetime_is_code() {
        for text in [
            r#"const A: &str = "x"; unsafe {}"#,
            r##"const A: &str = r#"x"#; unsafe {}"##,
            "fn f<'a>() { unsafe {} }",
            "const C: char = 'a'; unsafe {}",
            r"const C: char = '\\'; unsafe {}",
            "/* */ unsafe {}",
            "#[r#naked] fn f() {}",
            "let x = b'a'; unsafe {}",
        ] {
            assert_ne!(scan("main.rs", text), "", "{text}");
        }
    }

    #[test]
    fn what_follows_a_shebang_is_code() {
        for text in [
            "#!/bin/rex /*\nunsafe {}\n//*/",
            "\u{feff}#!/bin/rex \"\nunsafe {}\n//\"",
            "#! /* */ [allow(unused)] unsafe",
        ] {
            let refused = scan("main.rs", text);
            assert_eq!(refused.matches("error:").count(), 1, "{text}: {refused}");
        }
        assert_eq!(scan("main.rs", "#!/bin/rex '\nfn f() {}"), "");
    }

    #[test]
    fn asm_is_refused_as_a_macro_only() {
        assert_eq!(scan("main.rs", "let asm = 1;"), "");
        assert_ne!(scan("main.rs", "asm!(\"nop\")"), "");
        assert_ne!(scan("main.rs", "asm !(\"nop\")"), "");
    }

    #[test]
    fn words_that_merely_contain_a_refused_one_are_fine() {
        assert_eq!(
            scan("main.rs", "let naked_truth = unsafely(no_mangled);"),
            ""
        );
    }
}
