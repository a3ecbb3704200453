// SPDX-License-Identifier: GPL-2.0-only
//! Copying backwards.
//!
//! Everybody expects the direction flag to be clear: the kernel where it is
//! called, and a function where it begins and where a call returns to. A function may
//! set it (`memmove` does, to copy to a higher address) and has to clear it
//! before anything else is called or returned to. The kernel's own entries clear it
//! for interrupts, and so does the way out of a program that is ended meanwhile.

use std::collections::BTreeMap;

use iced_x86::{FlowControl, Instruction, Mnemonic};

use crate::code::decode;
use crate::finding::{Finding, Rule};
use crate::image::{Function, Image};

/// Checks every function that sets the flag.
pub fn check(image: &Image) -> Vec<Finding> {
    image.functions.values().filter_map(misuse).collect()
}

/// What the function does with the flag set, or where it can't be told whether
/// it is.
fn misuse(function: &Function) -> Option<Finding> {
    let code = decode(function);
    if code.values().all(|one| one.mnemonic() != Mnemonic::Std) {
        return None;
    }
    let inside = function.address..function.end();
    let refuse = |ip: u64, message: &str| {
        let offset = ip - function.address;
        let message = format!("`{}`+{offset:#x}: {message}", function.name);
        Some(Finding::new(Rule::Direction, message))
    };
    // Whether the flag is set before each instruction.
    let mut states = BTreeMap::from([(function.address, false)]);
    let mut next = vec![function.address];
    while let Some(ip) = next.pop() {
        let Some(instruction) = code.get(&ip) else {
            continue;
        };
        let before = states[&ip];
        let after = match instruction.mnemonic() {
            Mnemonic::Std => true,
            Mnemonic::Cld => false,
            _ => before,
        };
        let (targets, leaves) = ways(instruction);
        let leaves = leaves || targets.iter().any(|target| !inside.contains(target));
        if after && leaves {
            return refuse(ip, "leaves the function with the direction flag set");
        }
        for target in targets.into_iter().filter(|target| inside.contains(target)) {
            match states.insert(target, after) {
                None => next.push(target),
                Some(known) if known == after => {}
                Some(_) => {
                    return refuse(target, "is reached with the direction flag set and clear");
                }
            }
        }
    }
    None
}

/// Where execution may go on, and whether others may see the flag: those who are
/// called, or returned to.
fn ways(instruction: &Instruction) -> (Vec<u64>, bool) {
    let (next, target) = (instruction.next_ip(), instruction.near_branch_target());
    match instruction.flow_control() {
        FlowControl::Next => (vec![next], false),
        FlowControl::ConditionalBranch => (vec![next, target], false),
        FlowControl::UnconditionalBranch => (vec![target], false),
        FlowControl::Call | FlowControl::IndirectCall => (vec![next], true),
        FlowControl::Return | FlowControl::IndirectBranch => (vec![], true),
        // A trap.
        _ => (vec![], false),
    }
}
