// SPDX-License-Identifier: GPL-2.0-only
//! A command's options and operands. What is left over is an error.

use std::collections::VecDeque;
use std::ffi::OsString;

use anyhow::{Result, bail};

/// The arguments that have not been taken yet.
#[derive(Debug)]
pub struct Arguments {
    /// The first word; empty for none.
    pub command: String,
    rest: VecDeque<String>,
}

impl Arguments {
    /// Splits off the command.
    pub fn parse(arguments: Vec<OsString>) -> Result<Self> {
        let mut rest = VecDeque::new();
        for argument in arguments {
            match argument.into_string() {
                Ok(argument) => rest.push_back(argument),
                Err(argument) => bail!("the argument {} is not UTF-8", argument.display()),
            }
        }
        let command = rest.pop_front().unwrap_or_default();
        let known = [
            "new", "build", "check", "verify", "setup", "compile", "abi", "help", "--help", "-h",
            "",
        ];
        if !known.contains(&command.as_str()) {
            bail!("unknown command `{command}`; `cargo rex help` lists them");
        }
        Ok(Self { command, rest })
    }

    /// The value of `--name VALUE` or `--name=VALUE`.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
        let joined = format!("{name}=");
        let Some(at) = self
            .rest
            .iter()
            .position(|argument| argument == name || argument.starts_with(&joined))
        else {
            return Ok(None);
        };
        let argument = self.rest.remove(at).unwrap_or_default();
        if let Some(value) = argument.strip_prefix(&joined) {
            return Ok(Some(value.to_owned()));
        }
        match self.rest.remove(at) {
            Some(value) => Ok(Some(value)),
            None => bail!("{name} needs a value"),
        }
    }

    /// Whether the option `name`, which takes no value, is given.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() != before
    }

    /// Whether messages are for a program to read.
    pub fn wants_json(&mut self) -> Result<bool> {
        match self.value("--message-format")?.as_deref() {
            None | Some("human") => Ok(false),
            Some("json") => Ok(true),
            Some(other) => bail!("--message-format is human or json, not `{other}`"),
        }
    }

    /// The next argument that is no option.
    pub fn operand(&mut self) -> Option<String> {
        let at = self
            .rest
            .iter()
            .position(|argument| !argument.starts_with('-'))?;
        self.rest.remove(at)
    }

    /// An error if anything was not taken.
    pub fn finish(self) -> Result<()> {
        match self.rest.front() {
            Some(argument) => bail!("unexpected argument `{argument}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Arguments {
        let words = text.split_whitespace().map(OsString::from).collect();
        Arguments::parse(words).unwrap()
    }

    #[test]
    fn options_and_operands_come_in_any_order() {
        let mut arguments = parse("build a --jobs 3 --kernel-headers=/h --check b");
        assert_eq!(arguments.value("--jobs").unwrap().unwrap(), "3");
        assert_eq!(arguments.value("--kernel-headers").unwrap().unwrap(), "/h");
        assert!(arguments.flag("--check"));
        assert!(!arguments.flag("--check"));
        assert_eq!(arguments.operand().unwrap(), "a");
        assert_eq!(arguments.operand().unwrap(), "b");
        arguments.finish().unwrap();
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(parse("setup --what").finish().is_err());
        assert!(parse("setup --jobs").value("--jobs").is_err());
        assert!(parse("setup --message-format=x").wants_json().is_err());
        assert!(Arguments::parse(vec!["dance".into()]).is_err());
    }
}
