// SPDX-License-Identifier: GPL-2.0-only
//! Parsing an attribute's arguments and the head of its item.

use std::ops::Range;

use crate::token::Token;

/// What is wrong, and at which token.
#[derive(Debug, PartialEq, Eq)]
pub struct Error {
    pub message: String,
    /// Whether `index` counts the arguments' tokens or the item's.
    pub in_arguments: bool,
    pub index: usize,
}

impl Error {
    fn item(index: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            in_arguments: false,
            index,
        }
    }

    fn argument(index: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            in_arguments: true,
            index,
        }
    }
}

/// `name = "value"`, separated by commas.
#[derive(Debug)]
pub struct Arguments(Vec<(String, String)>);

impl Arguments {
    /// Parses arguments of the names `known`; anything else is an error.
    pub fn parse(tokens: &[Token], known: &[&str]) -> Result<Self, Error> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let Token::Ident(name) = &tokens[at] else {
                return Err(Error::argument(at, "expected `name = \"value\"`"));
            };
            if !known.contains(&name.as_str()) {
                let message = match known {
                    [] => format!("unknown argument `{name}`: this attribute takes none"),
                    _ => format!(
                        "unknown argument `{name}`: known is `{}`",
                        known.join("`, `")
                    ),
                };
                return Err(Error::argument(at, message));
            }
            if found.iter().any(|(earlier, _)| earlier == name) {
                return Err(Error::argument(at, format!("`{name}` is given twice")));
            }
            let (Some(Token::Punct('=')), Some(Token::Literal(value))) =
                (tokens.get(at + 1), tokens.get(at + 2))
            else {
                return Err(Error::argument(at, format!("expected `{name} = \"…\"`")));
            };
            let value = match name.as_str() {
                "event" => event(value, at + 2)?,
                _ => symbol(value, at + 2)?,
            };
            found.push((name.clone(), value));
            match tokens.get(at + 3) {
                None => break,
                Some(Token::Punct(',')) => at += 4,
                Some(_) => return Err(Error::argument(at + 3, "expected `,`")),
            }
        }
        Ok(Self(found))
    }

    /// The value of `name`.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.swap_remove(index).1)
    }
}

/// What is in a plain string literal.
fn text(literal: &str, index: usize) -> Result<&str, Error> {
    literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| Error::argument(index, "expected a string literal"))
}

/// A tracepoint, `category/name`, in a plain string literal.
fn event(literal: &str, index: usize) -> Result<String, Error> {
    let inner = text(literal, index)?;
    let is_name = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    match inner.split_once('/') {
        Some((category, name)) if is_name(category) && is_name(name) => Ok(inner.to_owned()),
        _ => {
            let message = format!("{literal} is no tracepoint (category/name)");
            Err(Error::argument(index, message))
        }
    }
}

/// The name of a kernel symbol in a plain string literal.
fn symbol(literal: &str, index: usize) -> Result<String, Error> {
    let inner = text(literal, index)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.$".contains(c);
    if inner.is_empty() || !inner.chars().all(allowed) {
        let message = format!("{literal} is no name of a kernel function");
        return Err(Error::argument(index, message));
    }
    Ok(inner.to_owned())
}

/// Index of the first token of the item's head that is the keyword.
fn keyword(item: &[Token], word: &str) -> Option<usize> {
    item.iter()
        .position(|token| matches!(token, Token::Ident(ident) if ident == word))
}

/// The name of the function that the item is.
pub fn function_name(item: &[Token]) -> Result<String, Error> {
    let expected = "this attribute belongs on a function";
    let at = keyword(item, "fn").ok_or_else(|| Error::item(0, expected))?;
    for (index, token) in item[..at].iter().enumerate() {
        if let Token::Ident(word) = token
            && ["async", "const", "extern"].contains(&word.as_str())
        {
            return Err(Error::item(index, format!("a program can't be `{word}`")));
        }
    }
    match (item.get(at + 1), item.get(at + 2)) {
        (Some(Token::Ident(name)), Some(Token::Group)) => Ok(name.clone()),
        (Some(Token::Ident(_)), Some(Token::Punct('<'))) => {
            Err(Error::item(at + 2, "a program can't be generic"))
        }
        _ => Err(Error::item(at, expected)),
    }
}

/// The parts of `static NAME: Type = value;` as ranges of its tokens.
#[derive(Debug, PartialEq, Eq)]
pub struct Static {
    pub name: String,
    pub ty: Range<usize>,
    pub value: Range<usize>,
}

/// The parts of the static that the item is.
pub fn static_parts(item: &[Token]) -> Result<Static, Error> {
    let expected = "this attribute belongs on `static NAME: Type = Type::new(…);`";
    let at = keyword(item, "static").ok_or_else(|| Error::item(0, expected))?;
    let (Some(Token::Ident(name)), Some(Token::Punct(':'))) = (item.get(at + 1), item.get(at + 2))
    else {
        return Err(Error::item(at, expected));
    };
    if name == "mut" {
        return Err(Error::item(at + 1, "a map is never `static mut`"));
    }
    let assign = item
        .iter()
        .position(|token| *token == Token::Punct('='))
        .filter(|assign| *assign > at + 3)
        .ok_or_else(|| Error::item(at, expected))?;
    if item.last() != Some(&Token::Punct(';')) || assign + 2 >= item.len() {
        return Err(Error::item(at, expected));
    }
    Ok(Static {
        name: name.clone(),
        ty: at + 3..assign,
        value: assign + 1..item.len() - 1,
    })
}
