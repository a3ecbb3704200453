// SPDX-License-Identifier: GPL-2.0-only
//! 64-bit numbers in JSON.
//!
//! A JavaScript number is exact only below 2^53, so values that may be larger
//! (arguments and results of system calls, addresses) travel as decimal
//! strings. Numbers are accepted too where they are exact.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EXACT: u64 = 1 << 53;

/// An unsigned 64-bit value, a decimal string in JSON. Also accepted:
/// `"0x…"`, and negative values down to -2^63 as their two's complement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
pub struct U64(pub u64);

/// A signed 64-bit value, a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
pub struct I64(pub i64);

/// Parses decimal (with an optional minus) or `0x` hexadecimal into 64 bits.
fn parse_word(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x") {
        // from_str_radix would take a sign.
        if hex.starts_with(['+', '-']) {
            return None;
        }
        return u64::from_str_radix(hex, 16).ok();
    }
    if text.starts_with('+') {
        return None;
    }
    if text.starts_with('-') {
        return text.parse::<i64>().ok().map(i64::cast_unsigned);
    }
    text.parse().ok()
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a 64-bit integer as a decimal or 0x string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        parse_word(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
        if value <= EXACT {
            Ok(value)
        } else {
            Err(E::custom("numbers above 2^53 must be strings"))
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<u64, E> {
        if value.unsigned_abs() <= EXACT {
            Ok(value.cast_unsigned())
        } else {
            Err(E::custom("numbers below -2^53 must be strings"))
        }
    }
}

impl Serialize for U64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for I64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for U64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor).map(U64)
    }
}

impl<'de> Deserialize<'de> for I64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(WordVisitor)
            .map(|word| I64(word.cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn unsigned_round_trip(value: u64) {
            let json = serde_json::to_string(&U64(value)).unwrap();
            prop_assert_eq!(&json, &format!("\"{value}\""));
            prop_assert_eq!(serde_json::from_str::<U64>(&json).unwrap().0, value);
        }

        #[test]
        fn signed_round_trip(value: i64) {
            let json = serde_json::to_string(&I64(value)).unwrap();
            prop_assert_eq!(serde_json::from_str::<I64>(&json).unwrap().0, value);
        }

        #[test]
        fn hexadecimal(value: u64) {
            prop_assert_eq!(parse_word(&format!("{value:#x}")), Some(value));
        }
    }

    #[test]
    fn accepted_and_refused() {
        assert_eq!(parse_word("-1"), Some(u64::MAX));
        for text in [
            "",
            "+1",
            "0x",
            "0x-1",
            "0x+1",
            "1.5",
            "18446744073709551616",
            " 1",
            "-",
        ] {
            assert_eq!(parse_word(text), None, "{text:?}");
        }
        assert!(serde_json::from_str::<U64>("7").is_ok());
        assert!(serde_json::from_str::<U64>("9007199254740994").is_err());
        assert!(serde_json::from_str::<U64>("1.5").is_err());
        assert!(serde_json::from_str::<U64>("null").is_err());
    }
}
