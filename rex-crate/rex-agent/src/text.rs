// SPDX-License-Identifier: GPL-2.0-only
//! Text that the kernel has escaped, and files that it makes.

use std::fs::File;
use std::io::{self, Read};

/// Reads a file of /proc, /sys or debugfs, at most `limit` bytes of it.
fn read_bounded(path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// As [`read_bounded`], as text.
pub fn read_text(path: &str, limit: u64) -> io::Result<String> {
    read_bounded(path, limit).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Undoes the escapes `\\ \n \t \r \a \e \" \ooo \xhh` of kernel text. What isn't an
/// escape stays as it is.
pub fn unescape(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, used) = match *first {
            b'\\' => escape(tail).map_or((b'\\', 1), |(byte, used)| (byte, 1 + used)),
            byte => (byte, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that what follows a backslash stands for, and how long that is.
fn escape(tail: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: &[u8], radix| {
        let text = std::str::from_utf8(digits).ok()?;
        // from_str_radix would take a sign.
        let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if digits {
            u8::from_str_radix(text, radix).ok()
        } else {
            None
        }
    };
    match tail {
        [b'\\', ..] => Some((b'\\', 1)),
        [b'"', ..] => Some((b'"', 1)),
        [b'n', ..] => Some((b'\n', 1)),
        [b't', ..] => Some((b'\t', 1)),
        [b'r', ..] => Some((b'\r', 1)),
        [b'a', ..] => Some((0x07, 1)),
        [b'e', ..] => Some((0x1b, 1)),
        [b'v', ..] => Some((0x0b, 1)),
        [b'f', ..] => Some((0x0c, 1)),
        [b'x', a, b, ..] => number(&[*a, *b], 16).map(|byte| (byte, 3)),
        [a, b, c, ..] => number(&[*a, *b, *c], 8).map(|byte| (byte, 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes() {
        assert_eq!(unescape(br"a\\b\n\t\042\x41\303\244"), "a\\b\n\t\"A\u{e4}");
        assert_eq!(unescape(br"\e[1m\a\r\v\f"), "\u{1b}[1m\u{7}\r\u{b}\u{c}");
        // Not escapes: an end, an unknown letter, digits that aren't octal or too large.
        assert_eq!(unescape(br"\q \89 \777 \x+1 \"), r"\q \89 \777 \x+1 \");
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            unescape(&bytes);
        }

        #[test]
        fn what_the_kernel_escapes_comes_back(text in any::<String>()) {
            let escaped: String = text.bytes().map(|byte| match byte {
                b'\\' => r"\\".to_string(),
                b'\n' => r"\n".to_string(),
                0x20..0x7f => char::from(byte).to_string(),
                byte => format!("\\{byte:03o}"),
            }).collect();
            prop_assert_eq!(unescape(escaped.as_bytes()), text);
        }
    }
}
