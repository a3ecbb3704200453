// SPDX-License-Identifier: GPL-2.0-only
//! Pure logic of the rex crate, which itself is built for the kernel only.

#[path = "../../../rex/src/text.rs"]
mod text;

use std::fmt;

use text::{Text, cut};

#[test]
fn text_that_fits_is_whole() {
    let text = Text::<16>::format(format_args!("{}-{:?}", 12, "a"));
    assert_eq!(text.as_bytes(), b"12-\"a\"");
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(
        Text::<4>::format(format_args!("abcdef")).as_bytes(),
        b"abcd"
    );
    assert_eq!(Text::<4>::format(format_args!("abcé")).as_bytes(), b"abc");
    assert_eq!(
        Text::<4>::format(format_args!("{}{}", "ab", "€")).as_bytes(),
        b"ab"
    );
    assert_eq!(cut("€", 2), "");
    assert_eq!(cut("a€b", 4), "a€");
    assert_eq!(cut("short", 100), "short");
}

#[test]
fn formatting_ends_when_the_text_is_full() {
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("x")?;
            }
        }
    }
    assert_eq!(
        Text::<8>::format(format_args!("{Endless}")).as_bytes(),
        b"xxxxxxxx"
    );
}
