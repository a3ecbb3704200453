// SPDX-License-Identifier: GPL-2.0-only
//! What an attribute leaves behind.

use crate::parse::Static;
use crate::token::Piece;

/// The pieces that replace the attributed item.
pub type Expansion = Vec<Piece>;

/// The program stays a function of its own, so that a stack trace shows it.
const NOT_INLINED: &str = "#[inline(never)]";

fn text(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

pub fn kprobe(name: &str, function: Option<&str>) -> Expansion {
    let attach = function.unwrap_or("");
    vec![
        text(NOT_INLINED),
        Piece::Whole,
        text(format!(
            "::rex::__rex_entry! {{ kprobe {name} \"{attach}\" }}"
        )),
    ]
}

pub fn tracepoint(name: &str, event: Option<&str>) -> Expansion {
    let event = event.unwrap_or("");
    vec![
        text(NOT_INLINED),
        Piece::Whole,
        text(format!(
            "::rex::__rex_entry! {{ tracepoint {name} \"{event}\" }}"
        )),
    ]
}

/// A program of a type that has nothing to say about where it attaches.
pub fn program(kind: &str, name: &str) -> Expansion {
    vec![
        text(NOT_INLINED),
        Piece::Whole,
        text(format!("::rex::__rex_entry! {{ {kind} {name} }}")),
    ]
}

pub fn map(map: &Static, lock: Option<&str>) -> Expansion {
    let mut inner = vec![
        text(format!("{}, ", map.name)),
        Piece::Item(map.ty.clone()),
        text(","),
        Piece::Item(map.value.clone()),
    ];
    if let Some(lock) = lock {
        inner.push(text(format!(", lock {lock}")));
    }
    vec![
        Piece::Whole,
        text("::rex::__rex_map!"),
        Piece::Braces(inner),
    ]
}
