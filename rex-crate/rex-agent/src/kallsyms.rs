// SPDX-License-Identifier: GPL-2.0-only
//! Kernel symbols, from /proc/kallsyms.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

use rex_protocol::{
    Blame, ErrorBody, ErrorKind, KallsymsParams, KallsymsResult, KernelSymbol, U64,
};

const PATH: &str = "/proc/kallsyms";
const DEFAULT_LIMIT: u32 = 1_000;
const MAX_LIMIT: u32 = 20_000;

/// Looks up symbols by name.
pub fn find(params: &KallsymsParams) -> Result<KallsymsResult, ErrorBody> {
    let failed = |error: std::io::Error| {
        ErrorBody::new(
            ErrorKind::Unsupported,
            Blame::Kernel,
            format!("{PATH} can't be read: {error}"),
        )
    };
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if limit > MAX_LIMIT {
        return Err(ErrorBody::invalid(format!(
            "limit is {limit}, at most {MAX_LIMIT} are allowed"
        )));
    }
    let names: HashSet<&str> = params.symbols.iter().map(String::as_str).collect();
    let wanted = |name: &str| {
        names.contains(name)
            || params
                .contains
                .as_ref()
                .is_some_and(|part| name.contains(part))
    };
    let mut found = KallsymsResult {
        symbols: Vec::new(),
        truncated: false,
    };
    let mut reader = BufReader::with_capacity(64 * 1024, File::open(PATH).map_err(failed)?);
    let mut line = String::new();
    while reader.read_line(&mut line).map_err(failed)? > 0 {
        if let Some(symbol) = parse(&line, wanted) {
            if found.symbols.len() == limit as usize {
                found.truncated = true;
                break;
            }
            found.symbols.push(symbol);
        }
        line.clear();
    }
    Ok(found)
}

/// Parses a line `address type name [module]`, if its name is wanted.
fn parse(line: &str, wanted: impl Fn(&str) -> bool) -> Option<KernelSymbol> {
    let mut fields = line.split_ascii_whitespace();
    let (address, symbol_type, name) = (fields.next()?, fields.next()?, fields.next()?);
    if !wanted(name) {
        return None;
    }
    let module = fields
        .next()
        .map(|module| module.trim_matches(['[', ']']).to_string());
    Some(KernelSymbol {
        name: name.to_string(),
        address: U64(u64::from_str_radix(address, 16).ok()?),
        symbol_type: symbol_type.to_string(),
        module,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let symbol = parse("ffffffff81000000 T _text\n", |name| name == "_text").unwrap();
        assert_eq!(
            (symbol.address, symbol.symbol_type.as_str()),
            (U64(0xffff_ffff_8100_0000), "T")
        );
        assert_eq!(symbol.module, None);
        let symbol = parse("ffffffffc0000000 t <a::B_as_c::D>::f\t[rex]\n", |_| true).unwrap();
        assert_eq!(
            (symbol.name.as_str(), symbol.module.as_deref()),
            ("<a::B_as_c::D>::f", Some("rex"))
        );
        for line in ["", "\n", "x y z", "ff T"] {
            assert_eq!(parse(line, |_| true), None, "{line:?}");
        }
    }
}
