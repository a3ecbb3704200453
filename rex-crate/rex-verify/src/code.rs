// SPDX-License-Identifier: GPL-2.0-only
//! The instructions of a function.

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, Instruction};

use crate::image::{Function, Image, Relocation};

/// By address.
pub type Code = BTreeMap<u64, Instruction>;

/// The instructions of `function`, one behind the other.
pub fn decode(function: &Function) -> Code {
    let decoder = Decoder::with_ip(64, &function.code, function.address, DecoderOptions::NONE);
    decoder.into_iter().map(|one| (one.ip(), one)).collect()
}

/// What the word will hold that the instruction calls or jumps through.
pub fn slot<'a>(image: &'a Image, instruction: &Instruction) -> Option<&'a Relocation> {
    let known = instruction.is_ip_rel_memory_operand();
    known.then(|| image.relocations.get(&instruction.ip_rel_memory_address()))?
}
