// SPDX-License-Identifier: GPL-2.0-only
//! Text in a fixed buffer on the stack.

use core::fmt;

/// At most `N` bytes of UTF-8; what doesn't fit is cut off at a character
/// boundary.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// Formats `arguments`.
    pub fn format(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self {
            bytes: [0; N],
            len: 0,
        };
        // An error means that the text is full, or that a user's Display gave
        // up; what is there counts.
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }

    /// The text's bytes, which are UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    /// An error ends the formatting, which bounds how long it takes.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let part = cut(text, N - self.len);
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part.as_bytes());
        self.len += part.len();
        if part.len() < text.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// As much of `text` as fits into `max` bytes, in whole characters.
pub fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // Never absent, and no path to a panic from within a panic.
    text.get(..end).unwrap_or("")
}
