// SPDX-License-Identifier: GPL-2.0-only
//! What is wrong with an object.

use std::fmt;

/// The rule that an object breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Shape of the file: header, segments, sections, limits.
    Structure,
    /// A relocation's type, place or target.
    Relocation,
    /// An import that is not on the allow-list.
    Import,
    /// A record of `.rex.progs` or `.rex.maps`.
    Record,
    /// A function's symbol, or bytes of text that belong to none.
    Symbol,
    /// An instruction that no program needs.
    Instruction,
    /// A branch or an address that is no function's start.
    Target,
    /// A panic that does not begin with the release of what the program holds.
    Panic,
    /// A function's use of the stack.
    Stack,
    /// The direction flag, where it must be clear.
    Direction,
}

impl Rule {
    /// The rule's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Relocation => "relocation",
            Self::Import => "import",
            Self::Record => "record",
            Self::Symbol => "symbol",
            Self::Instruction => "instruction",
            Self::Target => "target",
            Self::Panic => "panic",
            Self::Stack => "stack",
            Self::Direction => "direction",
        }
    }
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// Where and how, for a reader.
    pub message: String,
}

impl Finding {
    /// A violation of `rule`.
    pub fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.message)
    }
}
