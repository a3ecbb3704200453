// SPDX-License-Identifier: GPL-2.0-only
//! The way of a panic begins with the release of what the program holds.
//!
//! `rex_panic_begin` does it, in the kernel. Nothing of the program may come
//! before it: code that formats the message could take its time or panic
//! itself, with all of it still held. The source says so; this looks at what
//! became of it.

use iced_x86::{Decoder, DecoderOptions, FlowControl};

use crate::code::slot;
use crate::finding::{Finding, Rule};
use crate::frame::CHECK;
use crate::image::{Function, Image, Relocation};

/// The function that every panic ends up in, by its demangled name.
pub const HANDLER: &str = "__rustc::rust_begin_unwind";
const RELEASE: &str = "rex_panic_begin";

/// Checks the panic handler; an object that can't panic has none.
pub fn check(image: &Image) -> Option<Finding> {
    let handler = image.functions.values().find(|f| f.name == HANDLER)?;
    if releases_first(image, handler) {
        return None;
    }
    Some(Finding::new(
        Rule::Panic,
        format!("`{HANDLER}` does something else before it calls `{RELEASE}`"),
    ))
}

/// Whether the handler goes straight to the release.
fn releases_first(image: &Image, handler: &Function) -> bool {
    let mut decoder = Decoder::with_ip(64, &handler.code, handler.address, DecoderOptions::NONE);
    for instruction in &mut decoder {
        match instruction.flow_control() {
            FlowControl::Next => {}
            FlowControl::Call => {
                let target = image.functions.get(&instruction.near_branch_target());
                // The check of the stack is no call of the program's.
                if target.is_none_or(|function| function.name != CHECK) {
                    return false;
                }
            }
            FlowControl::IndirectCall => {
                return matches!(slot(image, &instruction), Some(Relocation::Import(name)) if name == RELEASE);
            }
            // A branch, a return, an invalid instruction.
            _ => return false,
        }
    }
    false
}
