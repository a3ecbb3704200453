// SPDX-License-Identifier: GPL-2.0-only
//! What happens when a program panics.
//!
//! Nothing is unwound and no destructor runs: the kernel releases what the
//! program holds, we format the message, the kernel records the exit and
//! returns to the hook through the landing pad.

use core::panic::PanicInfo;

use rex_abi::REX_MSG_LEN;

use crate::ffi;
use crate::text::{Text, cut};

/// Bytes of a message; the exit record ends it with a NUL.
const MESSAGE_BYTES: usize = REX_MSG_LEN as usize - 1;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // First of all: formatting may run a user's Display, which may panic or
    // take its time, and nothing must be held by then.
    ffi::rex_panic_begin();
    report(info)
}

/// A function of its own: its buffer must not count as stack of every program
/// that may panic.
#[inline(never)]
fn report(info: &PanicInfo<'_>) -> ! {
    let (file, line, column) = match info.location() {
        Some(location) => (location.file(), location.line(), location.column()),
        None => ("", 0, 0),
    };
    match info.message().as_str() {
        // The common case needs no formatting machinery.
        Some(message) => end(cut(message, MESSAGE_BYTES).as_bytes(), file, line, column),
        None => {
            let text = Text::<MESSAGE_BYTES>::format(format_args!("{}", info.message()));
            end(text.as_bytes(), file, line, column)
        }
    }
}

fn end(message: &[u8], file: &str, line: u32, column: u32) -> ! {
    // SAFETY: both pointers are valid for reads of the lengths given.
    unsafe {
        ffi::rex_panic_end(
            message.as_ptr(),
            message.len(),
            file.as_ptr(),
            file.len(),
            line,
            column,
        )
    }
}
