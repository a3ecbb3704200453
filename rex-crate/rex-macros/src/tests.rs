// SPDX-License-Identifier: GPL-2.0-only
//! What attributes accept, and what exactly they expand to.

use crate::expand::{self, Expansion};
use crate::parse::{self, Arguments};
use crate::token::{Piece, Token};

/// Tokens separated by blanks; `()` stands for anything in brackets.
fn tokens(text: &str) -> Vec<Token> {
    let token = |word: &str| match word.chars().next() {
        Some('"') => Token::Literal(word.into()),
        Some('(' | '[' | '{') => Token::Group,
        Some(c) if c == '_' || c.is_alphabetic() => Token::Ident(word.into()),
        Some(c) if c.is_ascii_digit() => Token::Literal(word.into()),
        Some(c) => Token::Punct(c),
        None => unreachable!("words are not empty"),
    };
    text.split_whitespace().map(token).collect()
}

fn render(pieces: &Expansion, item: &str) -> String {
    let words: Vec<_> = item.split_whitespace().collect();
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Whole => words.join(" "),
        Piece::Item(range) => words[range.clone()].join(" "),
        Piece::Braces(inner) => format!("{{ {} }}", render(inner, item)),
    };
    pieces.iter().map(piece).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_kprobe_keeps_its_function_and_gains_an_entry() {
    let item = "pub fn hello () - > Result {}";
    let mut arguments = Arguments::parse(&tokens("function = \"__x64_sys_dup\""), &["function"]);
    let function = arguments.as_mut().unwrap().take("function");
    let name = parse::function_name(&tokens(item)).unwrap();
    assert_eq!(
        render(&expand::kprobe(&name, function.as_deref()), item),
        "#[inline(never)] pub fn hello () - > Result {} \
         ::rex::__rex_entry! { kprobe hello \"__x64_sys_dup\" }"
    );
    assert!(render(&expand::kprobe("f", None), item).ends_with("{ kprobe f \"\" }"));
}

#[test]
fn a_tracepoint_s_context_is_left_to_types() {
    let item = "fn on_dup () {}";
    assert_eq!(
        render(&expand::tracepoint("on_dup", None), item),
        "#[inline(never)] fn on_dup () {} ::rex::__rex_entry! { tracepoint on_dup \"\" }"
    );
}

#[test]
fn a_tracepoint_may_be_named() {
    let item = "fn on_switch () {}";
    assert_eq!(
        render(
            &expand::tracepoint("on_switch", Some("sched/sched_switch")),
            item
        ),
        "#[inline(never)] fn on_switch () {} \
         ::rex::__rex_entry! { tracepoint on_switch \"sched/sched_switch\" }"
    );
    let event = |literal: &str| {
        let given = tokens(&format!("event = {literal}"));
        Arguments::parse(&given, &["event"]).map(|mut arguments| arguments.take("event"))
    };
    assert_eq!(
        event("\"sched/sched_switch\"").unwrap().as_deref(),
        Some("sched/sched_switch")
    );
    for wrong in ["\"sched_switch\"", "\"/x\"", "\"a/b/c\"", "\"a/..\"", "1"] {
        assert_eq!(event(wrong).unwrap_err().index, 2, "{wrong}");
    }
}

#[test]
fn a_map_s_type_and_value_are_passed_on() {
    let item = "pub static MAP : RexHashMap < u32 , u64 > = RexHashMap : : new () ;";
    let parts = parse::static_parts(&tokens(item)).unwrap();
    assert_eq!(
        render(&expand::map(&parts, None), item),
        format!(
            "{item} ::rex::__rex_map! \
             {{ MAP,  RexHashMap < u32 , u64 > , RexHashMap : : new () }}"
        )
    );
}

#[test]
fn a_map_s_lock_is_passed_on() {
    let item = "static M : T = N ;";
    let mut arguments = Arguments::parse(&tokens("lock = \"inner.lock\""), &["lock"]);
    let lock = arguments.as_mut().unwrap().take("lock");
    let parts = parse::static_parts(&tokens(item)).unwrap();
    assert_eq!(
        render(&expand::map(&parts, lock.as_deref()), item),
        format!("{item} ::rex::__rex_map! {{ M,  T , N , lock inner.lock }}")
    );
}

#[test]
fn nothing_that_is_emitted_is_unsafe() {
    let map = parse::static_parts(&tokens("static M : T = N ;")).unwrap();
    for expansion in [
        expand::kprobe("f", Some("s")),
        expand::program("xdp", "f"),
        expand::map(&map, Some("lock")),
    ] {
        assert!(!render(&expansion, "static M : T = N ;").contains("unsafe"));
    }
}

#[test]
fn an_item_of_another_kind_is_an_error() {
    for item in [
        "struct S ;",
        "fn f < T > () {}",
        "async fn f () {}",
        "const fn f () {}",
        "extern \"C\" fn f () {}",
    ] {
        assert!(parse::function_name(&tokens(item)).is_err(), "{item}");
    }
    for item in [
        "fn f () {}",
        "static mut M : T = N ;",
        "const M : T = N ;",
        "static M : = N ;",
        "static M : T = ;",
    ] {
        assert!(parse::static_parts(&tokens(item)).is_err(), "{item}");
    }
}

#[test]
fn a_leftover_argument_is_an_error_where_it_is() {
    for (text, index) in [
        ("symbol = \"x\"", 0),
        ("function = \"x\" function", 3),
        ("function", 0),
        ("function = 1", 2),
        ("function = \"a-b\"", 2),
        ("function = \"\"", 2),
        ("function = \"x\" , function = \"y\"", 4),
        ("\"x\"", 0),
    ] {
        let error = Arguments::parse(&tokens(text), &["function"]).unwrap_err();
        assert!(error.in_arguments);
        assert_eq!(error.index, index, "{text}");
    }
    assert!(Arguments::parse(&tokens("function = \"x\" ,"), &["function"]).is_ok());
}
