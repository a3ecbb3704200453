// SPDX-License-Identifier: GPL-2.0-only
//! Formatted output to the trace pipe.

use core::fmt;

use crate::text::{Text, cut};
use crate::{Result, ffi, from_kernel};

/// Longest line, in bytes; the rest is cut off. It lives on the Rex stack.
const LINE_BYTES: usize = 512;

/// Formats to the trace pipe (`/sys/kernel/tracing/trace_pipe`), one line for
/// each call, at most 512 bytes long.
///
/// Gives the number of bytes written, or `-errno`.
#[macro_export]
macro_rules! rex_printk {
    ($($argument:tt)*) => {
        $crate::printk::print(::core::format_args!($($argument)*))
    };
}

#[doc(hidden)]
pub fn print(arguments: fmt::Arguments<'_>) -> Result {
    match arguments.as_str() {
        Some(line) => write(cut(line, LINE_BYTES).as_bytes()),
        None => write(Text::<LINE_BYTES>::format(arguments).as_bytes()),
    }
}

fn write(line: &[u8]) -> Result {
    // The trace pipe ends every line itself.
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    // SAFETY: the pointer is valid for reads of the length given.
    from_kernel(unsafe { ffi::rex_trace_print(line.as_ptr(), line.len()) })
}
