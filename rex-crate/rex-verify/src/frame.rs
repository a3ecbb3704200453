// SPDX-License-Identifier: GPL-2.0-only
//! What a function does to the stack, from its instructions.
//!
//! A depth is a number of bytes below the return address that the function was
//! called with. It is followed along every path, through the few ways in which
//! compiled code changes the stack pointer; any other is refused. Where paths
//! meet, and where a frame is aligned, the greater depth counts: depths are
//! upper bounds.

use std::collections::BTreeMap;

use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};

use crate::code::{Code, decode, slot};
use crate::finding::{Finding, Rule};
use crate::image::{Function, Image, Relocation};

/// The function that looks how much stack is left.
pub const CHECK: &str = "mcount";
/// Where it goes when that is little.
const LOW: &str = "rex_stack_low";
/// The bit that tells the program's half of a stack from the reserve.
const PROGRAM_HALF: u64 = rex_abi::REX_STACK_RESERVE_PAGES as u64 * 4096;
/// A return address.
pub const WORD: i64 = 8;
/// No frame gets here: something pushes in a loop.
const ENDLESS: i64 = 1 << 20;

/// A function's use of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The greatest depth, the return addresses of its calls included.
    pub deepest: i64,
    /// It calls the check before anything else, and its frame grows no more
    /// afterwards.
    pub checked: bool,
    /// Where it calls the check, if that comes before anything else.
    pub check: Option<u64>,
    /// Functions that it calls or jumps to, and the depth of their return
    /// address.
    pub calls: BTreeMap<u64, i64>,
    /// Calls or jumps through a pointer.
    pub indirect: bool,
}

/// The frame of `function`, or what can't be followed in it.
pub fn of(image: &Image, function: &Function) -> Result<Frame, Finding> {
    Walk::new(image, function).run()
}

/// Whether `function` is the check, instruction by instruction.
pub fn is_check(image: &Image, function: &Function) -> bool {
    let code: Vec<_> = decode(function).into_values().collect();
    let [test, branch, back, low] = &code[..] else {
        return false;
    };
    function.name == CHECK
        && test.mnemonic() == Mnemonic::Test
        && test.op0_register() == Register::ESP
        && test.op1_kind() == OpKind::Immediate32
        && u64::from(test.immediate32()) == PROGRAM_HALF
        && branch.mnemonic() == Mnemonic::Je
        && branch.near_branch_target() == low.ip()
        && back.mnemonic() == Mnemonic::Ret
        && low.flow_control() == FlowControl::IndirectBranch
        && matches!(slot(image, low), Some(Relocation::Import(name)) if name == LOW)
}

/// What is known before an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    depth: i64,
    /// The depth that rbp points to, if it is a frame pointer.
    frame_pointer: Option<i64>,
}

impl State {
    fn join(self, other: Self) -> Self {
        let both = self.frame_pointer.zip(other.frame_pointer);
        Self {
            depth: self.depth.max(other.depth),
            frame_pointer: both.map(|(a, b)| a.max(b)),
        }
    }
}

struct Walk<'a> {
    image: &'a Image,
    function: &'a Function,
    code: Code,
    info: InstructionInfoFactory,
    states: BTreeMap<u64, State>,
    next: Vec<u64>,
    frame: Frame,
}

impl<'a> Walk<'a> {
    fn new(image: &'a Image, function: &'a Function) -> Self {
        Self {
            image,
            function,
            code: decode(function),
            info: InstructionInfoFactory::new(),
            states: BTreeMap::new(),
            next: Vec::new(),
            frame: Frame::default(),
        }
    }

    fn run(mut self) -> Result<Frame, Finding> {
        self.reach(
            self.function.address,
            State {
                depth: 0,
                frame_pointer: None,
            },
        );
        while let Some(ip) = self.next.pop() {
            // A branch into an instruction is another rule's finding.
            if let Some(instruction) = self.code.get(&ip).copied() {
                self.step(&instruction, self.states[&ip])?;
            }
        }
        if let Some((site, depth)) = self.check() {
            self.frame.check = Some(site);
            self.frame.checked = self.frame.deepest <= depth + WORD;
        }
        Ok(self.frame)
    }

    /// The call of the check and the depth there, if nothing else comes before
    /// it.
    fn check(&self) -> Option<(u64, i64)> {
        let first = self
            .code
            .values()
            .find(|instruction| instruction.flow_control() != FlowControl::Next)?;
        let target = self.image.functions.get(&first.near_branch_target())?;
        let calls = first.flow_control() == FlowControl::Call && is_check(self.image, target);
        let depth = self.states.get(&first.ip())?.depth;
        calls.then_some((first.ip(), depth))
    }

    fn reach(&mut self, ip: u64, state: State) {
        if !(self.function.address..self.function.end()).contains(&ip) {
            return;
        }
        let known = self.states.get(&ip).copied();
        let joined = known.map_or(state, |known| known.join(state));
        if known != Some(joined) {
            self.states.insert(ip, joined);
            self.next.push(ip);
        }
    }

    fn step(&mut self, instruction: &Instruction, before: State) -> Result<(), Finding> {
        let after = self
            .after(instruction, before)
            .filter(|state| (0..ENDLESS).contains(&state.depth));
        let Some(after) = after else {
            let offset = instruction.ip() - self.function.address;
            return Err(Finding::new(
                Rule::Stack,
                format!(
                    "`{}`+{offset:#x}: changes the stack pointer in a way that can't be followed",
                    self.function.name
                ),
            ));
        };
        self.deepen(after.depth);
        let target = instruction.near_branch_target();
        match instruction.flow_control() {
            FlowControl::Next => self.reach(instruction.next_ip(), after),
            FlowControl::ConditionalBranch => {
                self.jump(target, after);
                self.reach(instruction.next_ip(), after);
            }
            FlowControl::UnconditionalBranch => self.jump(target, after),
            FlowControl::Call => {
                self.call(target, after.depth + WORD);
                self.reach(instruction.next_ip(), after);
            }
            FlowControl::IndirectCall => {
                self.through_slot(instruction, after.depth + WORD);
                self.reach(instruction.next_ip(), after);
            }
            // With no jump tables, an indirect branch is a tail call.
            FlowControl::IndirectBranch => self.through_slot(instruction, after.depth),
            // The end: a return or a trap.
            _ => {}
        }
        Ok(())
    }

    fn jump(&mut self, target: u64, state: State) {
        if (self.function.address..self.function.end()).contains(&target) {
            self.reach(target, state);
        } else {
            self.call(target, state.depth);
        }
    }

    fn call(&mut self, target: u64, depth: i64) {
        self.deepen(depth);
        let known = self.frame.calls.entry(target).or_default();
        *known = depth.max(*known);
    }

    fn through_slot(&mut self, instruction: &Instruction, depth: i64) {
        self.deepen(depth);
        match slot(self.image, instruction) {
            // The kernel runs in the reserve.
            Some(Relocation::Import(_)) => {}
            Some(Relocation::Relative(target)) if self.image.functions.contains_key(target) => {
                self.call(*target, depth);
            }
            _ => self.frame.indirect = true,
        }
    }

    fn deepen(&mut self, depth: i64) {
        self.frame.deepest = self.frame.deepest.max(depth);
    }

    /// The state behind an instruction, or `None` if it can't be told.
    fn after(&mut self, instruction: &Instruction, before: State) -> Option<State> {
        use Register::{RBP, RSP};
        let mut after = before;
        let (to, from) = (instruction.op0_register(), instruction.op1_register());
        match (instruction.mnemonic(), to) {
            (Mnemonic::Call | Mnemonic::Ret, _) => return Some(after),
            (Mnemonic::Push, _) => {
                after.depth -= i64::from(instruction.stack_pointer_increment());
                return Some(after);
            }
            (Mnemonic::Pop, to) if to != RSP => {
                after.depth -= i64::from(instruction.stack_pointer_increment());
            }
            (Mnemonic::Leave, _) => {
                after.depth = before.frame_pointer? - WORD;
                after.frame_pointer = None;
                return Some(after);
            }
            (Mnemonic::Sub, RSP) => after.depth += immediate(instruction)?,
            (Mnemonic::Add, RSP) => after.depth -= immediate(instruction)?,
            // An alignment to N adds N - 1 bytes at most.
            (Mnemonic::And, RSP) => {
                let alignment = immediate(instruction)?.checked_neg()?;
                if !(1..=4096).contains(&alignment) || alignment.count_ones() != 1 {
                    return None;
                }
                after.depth += alignment - 1;
            }
            (Mnemonic::Mov, RSP) if from == RBP => after.depth = before.frame_pointer?,
            (Mnemonic::Lea, RSP) => after.depth = address(instruction, before)?,
            (Mnemonic::Mov, RBP) if from == RSP => {
                after.frame_pointer = Some(before.depth);
                return Some(after);
            }
            (Mnemonic::Lea, RBP) => {
                after.frame_pointer = address(instruction, before);
                return Some(after);
            }
            _ => {
                if writes(&mut self.info, instruction, RSP) {
                    return None;
                }
            }
        }
        if writes(&mut self.info, instruction, RBP) {
            after.frame_pointer = None;
        }
        Some(after)
    }
}

/// Whether the instruction changes `register`, or part of it.
pub fn writes(
    info: &mut InstructionInfoFactory,
    instruction: &Instruction,
    register: Register,
) -> bool {
    let used = info.info(instruction).used_registers();
    used.iter().any(|one| {
        one.register().full_register() == register
            && !matches!(
                one.access(),
                OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess | OpAccess::None
            )
    })
}

/// The constant that the instruction has as its second operand.
pub fn immediate(instruction: &Instruction) -> Option<i64> {
    instruction.try_immediate(1).ok().map(|value| value as i64)
}

/// The depth of the address that `lea` computes from rsp or rbp.
fn address(instruction: &Instruction, state: State) -> Option<i64> {
    let base = match instruction.memory_base() {
        Register::RSP => state.depth,
        Register::RBP => state.frame_pointer?,
        _ => return None,
    };
    let alone = instruction.memory_index() == Register::None;
    alone.then_some(base.checked_sub(instruction.memory_displacement64() as i64)?)
}
