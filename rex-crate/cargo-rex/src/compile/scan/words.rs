// SPDX-License-Identifier: GPL-2.0-only
//! The identifiers and keywords of a Rust source text.
//!
//! Only as much of a lexer as it takes to tell code from comments, strings,
//! characters and lifetimes. Where it is in doubt it takes text for code, so
//! a mistake refuses too much, never too little.

/// An identifier or keyword.
pub(super) struct Word<'a> {
    /// Without `r#`.
    pub word: &'a str,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Whether `!` follows.
    pub is_macro: bool,
}

/// All words of `text`.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = words_from(text, text);
    // The compiler skips a shebang, and an attribute may look like one.
    let start = text.trim_start_matches('\u{feff}');
    if start.starts_with("#!") && !start.starts_with("#![") {
        let next = start.find('\n').unwrap_or(start.len());
        found.extend(words_from(text, &start[next..]));
        found.sort_by_key(|word| (word.line, word.column));
        found.dedup_by_key(|word| (word.line, word.column));
    }
    found
}

/// The words of `rest`, the end of `text`.
fn words_from<'a>(text: &'a str, mut rest: &'a str) -> Vec<Word<'a>> {
    let mut found = Vec::new();
    let mut place = Place::default();
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = string(rest) {
            length
        } else if first == '\'' {
            quote(rest)
        } else if is_start(first) {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            let length = raw + word_length(&rest[raw..]);
            if length > raw {
                place.advance(text, text.len() - rest.len());
                found.push(Word {
                    word: &rest[raw..length],
                    line: place.line + 1,
                    column: place.column + 1,
                    is_macro: rest[length..].trim_start().starts_with('!'),
                });
            }
            length.max(1)
        } else if first.is_ascii_digit() {
            // A number with its suffix: `0b1`, `1u8`.
            word_length(rest)
        } else {
            first.len_utf8()
        };
        rest = &rest[skipped..];
    }
    found
}

/// A place in a text, and its line and column, from 0. Goes on from word to
/// word: to count from the beginning for each takes a second for a text of some
/// thousand lines.
#[derive(Default)]
struct Place {
    at: usize,
    line: usize,
    column: usize,
}

impl Place {
    fn advance(&mut self, text: &str, to: usize) {
        let passed = &text[self.at..to];
        let lines = passed.matches('\n').count();
        let last = passed
            .rfind('\n')
            .map_or(passed, |newline| &passed[newline + 1..]);
        if lines > 0 {
            self.column = 0;
        }
        self.at = to;
        self.line += lines;
        self.column += last.chars().count();
    }
}

fn is_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn word_length(text: &str) -> usize {
    let end = text.find(|c: char| c != '_' && !c.is_alphanumeric());
    end.unwrap_or(text.len())
}

/// Length of the comment that `text` starts with; comments nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Length of the string literal that `text` starts with, if it does.
fn string(text: &str) -> Option<usize> {
    let unprefixed = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - unprefixed.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + 1 + hashes + 1 + length);
    }
    unprefixed
        .starts_with('"')
        .then(|| prefix + 1 + escaped(&unprefixed[1..], b'"'))
}

/// Length up to and including `end`, backslashes escaping.
fn escaped(text: &str, end: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == end => return at + 1,
            _ => at += 1,
        }
    }
    // An escape may have been the last thing there is.
    text.len()
}

/// Length of the character literal that `text` starts with, or of the quote
/// alone when it starts a lifetime.
fn quote(text: &str) -> usize {
    let mut inner = text[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), _) => 1 + escaped(&text[1..], b'\''),
        (Some(character), Some('\'')) => 2 + character.len_utf8(),
        // A lifetime's name is no word of interest, but 'unsafe is no lifetime.
        (Some(character), _) if is_start(character) => 1 + word_length(&text[1..]),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "é one /* ü\n */ two!\n\n\"ß\n\" three r#four\nfive";
        let places: Vec<_> = words(text)
            .iter()
            .map(|word| (word.word.to_string(), word.line, word.column))
            .collect();
        let expected = [
            ("é", 1, 1),
            ("one", 1, 3),
            ("two", 2, 5),
            ("three", 5, 3),
            ("four", 5, 9),
            ("five", 6, 1),
        ];
        assert_eq!(
            places,
            expected.map(|(word, line, column)| (word.to_string(), line, column))
        );
    }
}
