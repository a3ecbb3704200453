// SPDX-License-Identifier: GPL-2.0-only
//! Tokens, as far as parsing and expanding need them.
//!
//! The compiler's own token types exist only inside a compiler; with these,
//! the host's tests can run the parser and compare what it expands to.

use std::str::FromStr;

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// One token; what is inside brackets is of no interest here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Ident(String),
    Punct(char),
    Literal(String),
    Group,
}

/// Part of an expansion.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Source text of ours.
    Text(String),
    /// The whole item.
    Whole,
    /// The item's tokens in this range, with their own spans: a mistake in
    /// them is reported where it was made.
    Item(std::ops::Range<usize>),
    /// Pieces in braces.
    Braces(Vec<Piece>),
}

pub fn from_tree(tree: &TokenTree) -> Token {
    match tree {
        TokenTree::Ident(ident) => Token::Ident(ident.to_string()),
        TokenTree::Punct(punct) => Token::Punct(punct.as_char()),
        TokenTree::Literal(literal) => Token::Literal(literal.to_string()),
        // An invisible group is what a macro_rules argument leaves behind.
        TokenTree::Group(_) => Token::Group,
    }
}

pub fn to_stream(pieces: &[Piece], item: &[TokenTree]) -> TokenStream {
    let mut stream = TokenStream::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                stream.extend(TokenStream::from_str(text).expect("an expansion is made of tokens"));
            }
            Piece::Whole => stream.extend(item.iter().cloned()),
            Piece::Item(range) => stream.extend(item[range.clone()].iter().cloned()),
            Piece::Braces(pieces) => stream.extend([TokenTree::from(Group::new(
                Delimiter::Brace,
                to_stream(pieces, item),
            ))]),
        }
    }
    stream
}
