// SPDX-License-Identifier: GPL-2.0-only
//! What a function gives back.
//!
//! Where a function returns, or jumps to another that returns for it, the stack
//! pointer is where it was when the function was called, and so is rbp. Without
//! that a return goes wherever the stack says, by ways that no graph of calls
//! has, and the depth of the caller is not what was computed for it. That a
//! function's saved words are what it pushed is still the compiler's word.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};

use crate::code::{Code, decode};
use crate::finding::{Finding, Rule};
use crate::frame::{WORD, immediate, writes};
use crate::image::{Function, Image};
use crate::returns::slot_comes_back;

/// Checks all functions. `coming_back` are those from which a call returns.
pub fn check(image: &Image, coming_back: &BTreeSet<u64>) -> Vec<Finding> {
    let functions = image.functions.values();
    functions
        .filter_map(|function| {
            let walk = Walk {
                image,
                function,
                coming_back,
                code: decode(function),
                info: InstructionInfoFactory::new(),
            };
            walk.run()
        })
        .collect()
}

/// What rbp holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    /// What the caller had in it.
    Caller,
    /// The address at this depth.
    Depth(i64),
    Unknown,
}

/// What is known before an instruction. Depths are exact, in bytes below the
/// return address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    depth: Option<i64>,
    base: Base,
    /// Where the caller's rbp is saved.
    saved: Option<i64>,
}

impl State {
    const ENTRY: Self = Self {
        depth: Some(0),
        base: Base::Caller,
        saved: None,
    };

    /// It may be anywhere, and what is pushed there over anything.
    const LOST: Self = Self {
        depth: None,
        base: Base::Unknown,
        saved: None,
    };

    fn join(self, other: Self) -> Self {
        if self.depth != other.depth {
            return Self::LOST;
        }
        Self {
            depth: self.depth,
            base: if self.base == other.base {
                self.base
            } else {
                Base::Unknown
            },
            saved: self.saved.filter(|_| self.saved == other.saved),
        }
    }

    fn is_as_called(self) -> bool {
        self.depth == Some(0) && self.base == Base::Caller
    }

    fn based(self) -> Option<i64> {
        match self.base {
            Base::Depth(depth) => Some(depth),
            _ => None,
        }
    }
}

struct Walk<'a> {
    image: &'a Image,
    function: &'a Function,
    coming_back: &'a BTreeSet<u64>,
    code: Code,
    info: InstructionInfoFactory,
}

impl Walk<'_> {
    /// Follows all paths; the first place where one leaves in another state.
    fn run(mut self) -> Option<Finding> {
        let mut states = BTreeMap::from([(self.function.address, State::ENTRY)]);
        let mut next = vec![self.function.address];
        while let Some(ip) = next.pop() {
            // A branch into an instruction is another rule's finding.
            let Some(instruction) = self.code.get(&ip).copied() else {
                continue;
            };
            let before = states[&ip];
            if self.leaves(&instruction) && !before.is_as_called() {
                let offset = ip - self.function.address;
                return Some(Finding::new(
                    Rule::Stack,
                    format!(
                        "`{}`+{offset:#x}: leaves the function with another rsp or rbp than it was called with",
                        self.function.name
                    ),
                ));
            }
            let after = self.after(&instruction, before);
            for target in self.successors(&instruction) {
                let known = states.get(&target).copied();
                let joined = known.map_or(after, |known| known.join(after));
                if known != Some(joined) {
                    states.insert(target, joined);
                    next.push(target);
                }
            }
        }
        None
    }

    fn is_inside(&self, address: u64) -> bool {
        (self.function.address..self.function.end()).contains(&address)
    }

    /// Whether it hands the caller's return address on, or uses it.
    fn leaves(&self, instruction: &Instruction) -> bool {
        match instruction.flow_control() {
            FlowControl::Return | FlowControl::IndirectBranch => true,
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                !self.is_inside(instruction.near_branch_target())
            }
            _ => false,
        }
    }

    /// Where execution may go on in the function.
    fn successors(&self, instruction: &Instruction) -> Vec<u64> {
        let (next, target) = (instruction.next_ip(), instruction.near_branch_target());
        let mut found = match instruction.flow_control() {
            FlowControl::Next => vec![next],
            FlowControl::ConditionalBranch => vec![next, target],
            FlowControl::UnconditionalBranch => vec![target],
            FlowControl::Call if self.coming_back.contains(&target) => vec![next],
            FlowControl::IndirectCall
                if slot_comes_back(self.image, instruction, self.coming_back) =>
            {
                vec![next]
            }
            _ => vec![],
        };
        found.retain(|address| self.is_inside(*address));
        found
    }

    fn after(&mut self, instruction: &Instruction, before: State) -> State {
        use Register::{RBP, RSP};
        let mut after = before;
        let (to, from) = (instruction.op0_register(), instruction.op1_register());
        let moved = i64::from(instruction.stack_pointer_increment());
        match (instruction.mnemonic(), to) {
            (Mnemonic::Call | Mnemonic::Ret, _) => {}
            (Mnemonic::Push, _) => {
                after.depth = before.depth.map(|depth| depth - moved);
                if to == RBP && before.base == Base::Caller {
                    after.saved = after.depth;
                }
            }
            (Mnemonic::Pop, _) => {
                after.depth = before.depth.map(|depth| depth - moved);
                if to == RBP {
                    after.base = popped(before.depth, before.saved);
                }
            }
            (Mnemonic::Leave, _) => {
                let depth = before.based();
                after.depth = depth.map(|depth| depth - WORD);
                after.base = popped(depth, before.saved);
            }
            (Mnemonic::Sub, RSP) => after.depth = sum(before.depth, immediate(instruction)),
            (Mnemonic::Add, RSP) => {
                let less = immediate(instruction).and_then(i64::checked_neg);
                after.depth = sum(before.depth, less);
            }
            (Mnemonic::Mov, RSP) if from == RBP => after.depth = before.based(),
            (Mnemonic::Lea, RSP) => after.depth = addressed(instruction, before),
            (Mnemonic::Mov, RBP) if from == RSP => {
                after.base = before.depth.map_or(Base::Unknown, Base::Depth);
            }
            (Mnemonic::Lea, RBP) => {
                after.base = addressed(instruction, before).map_or(Base::Unknown, Base::Depth);
            }
            _ => {
                if writes(&mut self.info, instruction, RSP) {
                    after.depth = None;
                }
                if writes(&mut self.info, instruction, RBP) {
                    after.base = Base::Unknown;
                }
            }
        }
        // Where the stack ends above a saved word, what is pushed is pushed over it.
        let mut is_kept = |saved: i64| match after.depth {
            Some(depth) => depth >= saved,
            // An alignment has let it down, and it goes no way up.
            None => goes_down(instruction) || !writes(&mut self.info, instruction, RSP),
        };
        after.saved = after.saved.filter(|saved| is_kept(*saved));
        after
    }
}

/// Whether it can only make the stack longer.
fn goes_down(instruction: &Instruction) -> bool {
    match instruction.mnemonic() {
        Mnemonic::Push | Mnemonic::Call | Mnemonic::And => true,
        Mnemonic::Sub => immediate(instruction).is_some_and(|bytes| bytes >= 0),
        _ => false,
    }
}

/// rbp when it is popped at `depth`.
fn popped(depth: Option<i64>, saved: Option<i64>) -> Base {
    if depth.is_some() && depth == saved {
        Base::Caller
    } else {
        Base::Unknown
    }
}

fn sum(depth: Option<i64>, more: Option<i64>) -> Option<i64> {
    depth?.checked_add(more?)
}

/// The depth of the address that `lea` computes from rsp or rbp.
fn addressed(instruction: &Instruction, state: State) -> Option<i64> {
    let base = match instruction.memory_base() {
        Register::RSP => state.depth?,
        Register::RBP => state.based()?,
        _ => return None,
    };
    let plain =
        instruction.op1_kind() == OpKind::Memory && instruction.memory_index() == Register::None;
    plain.then_some(base.checked_sub(instruction.memory_displacement64() as i64)?)
}
