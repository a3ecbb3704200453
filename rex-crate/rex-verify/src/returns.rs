// SPDX-License-Identifier: GPL-2.0-only
//! Where functions end.
//!
//! Behind the last instruction of a function the next one begins, with a frame
//! and a caller that it doesn't have. So the last instruction branches, returns
//! or traps, or it calls a function that never comes back, as a panic does.
//! Which functions come back is found out here, too: those from which a return can
//! be reached without passing a call of one that doesn't.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{FlowControl, Instruction};

use crate::code::{Code, decode, slot};
use crate::finding::{Finding, Rule};
use crate::image::{Function, Image, Relocation};

/// Imports that don't come back.
const ENDS: &[&str] = &["rex_panic_end"];

/// The functions that come back from a call.
pub fn coming_back(image: &Image) -> BTreeSet<u64> {
    let code = decoded(image);
    let mut coming_back = BTreeSet::new();
    // Each round finds at least one more, or is the last.
    loop {
        let rest = image.functions.values();
        let rest = rest.filter(|function| !coming_back.contains(&function.address));
        let more: Vec<u64> = rest
            .filter(|f| Walk::through(image, f, &code[&f.address], &coming_back).comes_back)
            .map(|function| function.address)
            .collect();
        if more.is_empty() {
            return coming_back;
        }
        coming_back.extend(more);
    }
}

/// Checks that no function runs on into what is behind it.
pub fn check(image: &Image, coming_back: &BTreeSet<u64>) -> Vec<Finding> {
    let code = decoded(image);
    let runs_on = |f: &Function| Walk::through(image, f, &code[&f.address], coming_back).runs_on;
    let functions = image.functions.values();
    functions
        .filter_map(|function| Some(finding(function, runs_on(function)?)))
        .collect()
}

fn decoded(image: &Image) -> BTreeMap<u64, Code> {
    let functions = image.functions.values();
    functions.map(|f| (f.address, decode(f))).collect()
}

fn finding(function: &Function, from: u64) -> Finding {
    let offset = from - function.address;
    Finding::new(
        Rule::Target,
        format!(
            "`{}`+{offset:#x}: goes on behind the end of the function",
            function.name
        ),
    )
}

struct Walk<'a> {
    image: &'a Image,
    function: &'a Function,
    code: &'a Code,
    /// Functions that are known to come back.
    coming_back: &'a BTreeSet<u64>,
    comes_back: bool,
    /// The instruction behind which the function ends, though execution
    /// doesn't.
    runs_on: Option<u64>,
}

impl<'a> Walk<'a> {
    /// What a walk along all paths of `function` finds.
    fn through(
        image: &'a Image,
        function: &'a Function,
        code: &'a Code,
        coming_back: &'a BTreeSet<u64>,
    ) -> Self {
        let mut walk = Self {
            image,
            function,
            code,
            coming_back,
            comes_back: false,
            runs_on: None,
        };
        walk.run();
        walk
    }

    fn run(&mut self) {
        let mut seen = BTreeSet::new();
        let mut next = vec![self.function.address];
        while let Some(ip) = next.pop() {
            if !seen.insert(ip) {
                continue;
            }
            // A branch into an instruction is another rule's finding.
            let Some(instruction) = self.code.get(&ip).copied() else {
                continue;
            };
            if self.falls_through(&instruction) {
                if self.is_inside(instruction.next_ip()) {
                    next.push(instruction.next_ip());
                } else {
                    self.runs_on = Some(ip);
                }
            }
            next.extend(self.jump(&instruction));
        }
    }

    fn is_inside(&self, address: u64) -> bool {
        (self.function.address..self.function.end()).contains(&address)
    }

    /// Whether the next instruction may follow.
    fn falls_through(&self, instruction: &Instruction) -> bool {
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::ConditionalBranch => true,
            FlowControl::Call => self.coming_back.contains(&instruction.near_branch_target()),
            FlowControl::IndirectCall => slot_comes_back(self.image, instruction, self.coming_back),
            _ => false,
        }
    }

    /// Where a jump leads in the function. One that leaves it comes back if its
    /// target does.
    fn jump(&mut self, instruction: &Instruction) -> Option<u64> {
        match instruction.flow_control() {
            FlowControl::Return => self.comes_back = true,
            FlowControl::IndirectBranch => {
                self.comes_back |= slot_comes_back(self.image, instruction, self.coming_back);
            }
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                let target = instruction.near_branch_target();
                if self.is_inside(target) {
                    return Some(target);
                }
                self.comes_back |= self.coming_back.contains(&target);
            }
            _ => {}
        }
        None
    }
}

/// Whether what is called or jumped to through a word comes back.
pub fn slot_comes_back(
    image: &Image,
    instruction: &Instruction,
    coming_back: &BTreeSet<u64>,
) -> bool {
    match slot(image, instruction) {
        Some(Relocation::Import(name)) => !ENDS.contains(&name.as_str()),
        Some(Relocation::Relative(target)) => coming_back.contains(target),
        // A pointer may lead anywhere.
        None => true,
    }
}
