// SPDX-License-Identifier: GPL-2.0-only
//! Every byte of text, instruction by instruction.

use std::collections::BTreeSet;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};

use crate::code::slot;
use crate::finding::{Finding, Rule};
use crate::graph::{Graph, Node};
use crate::image::{Function, Image, Relocation};
use crate::instruction::objection;

/// Decodes all functions and checks what lies between them.
pub fn functions(image: &Image) -> (Graph, Vec<Finding>) {
    let mut findings = Vec::new();
    gaps(image, &mut findings);
    let mut graph = Graph {
        in_data: addresses_in_data(image, &mut findings),
        ..Graph::default()
    };
    for function in image.functions.values() {
        let mut pass = Pass {
            image,
            function,
            node: Node::default(),
            branches: BTreeSet::new(),
            findings: &mut findings,
        };
        pass.run();
        let node = pass.node;
        graph.nodes.insert(function.address, node);
    }
    (graph, findings)
}

/// Between functions there is only padding: nops or int3. Whatever it is, no
/// branch leads there.
fn gaps(image: &Image, findings: &mut Vec<Finding>) {
    for segment in image.segments.iter().filter(|segment| segment.executable) {
        let end = segment.address + segment.data.len() as u64;
        let mut at = segment.address;
        let starts = image.functions.range(segment.address..end);
        let functions = starts.map(|(start, function)| (*start, function.end()));
        for (start, next) in functions.chain([(end, end)]) {
            let size = start.saturating_sub(at);
            let gap = segment.bytes_at(at, size).unwrap_or_default();
            if !is_padding(gap, at) {
                findings.push(Finding::new(
                    Rule::Symbol,
                    format!("{size} bytes of text at {at:#x} belong to no function"),
                ));
            }
            at = next;
        }
    }
}

fn is_padding(bytes: &[u8], address: u64) -> bool {
    // A segment is filled up with zeroes behind its last section.
    if bytes.iter().all(|byte| *byte == 0 || *byte == 0xcc) {
        return true;
    }
    let mut decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
    decoder.iter().all(|instruction| {
        matches!(
            instruction.mnemonic(),
            iced_x86::Mnemonic::Nop | iced_x86::Mnemonic::Int3
        )
    })
}

/// Functions that data points to, the entries of programs aside. An address
/// inside a function is a finding.
fn addresses_in_data(image: &Image, findings: &mut Vec<Finding>) -> BTreeSet<u64> {
    let entries: BTreeSet<_> = image
        .programs
        .iter()
        .map(|program| program.record + std::mem::offset_of!(rex_abi::rex_prog_desc, entry) as u64)
        .collect();
    let mut found = BTreeSet::new();
    for (place, relocation) in &image.relocations {
        let Relocation::Relative(target) = relocation else {
            continue;
        };
        if !image.is_text(*target) {
            continue;
        }
        if !image.functions.contains_key(target) {
            findings.push(Finding::new(
                Rule::Target,
                format!("the word at {place:#x} points into a function, to {target:#x}"),
            ));
        } else if !entries.contains(place) {
            found.insert(*target);
        }
    }
    found
}

/// One function's pass.
struct Pass<'a> {
    image: &'a Image,
    function: &'a Function,
    node: Node,
    /// Branch targets within the function.
    branches: BTreeSet<u64>,
    findings: &'a mut Vec<Finding>,
}

impl Pass<'_> {
    fn run(&mut self) {
        let function = self.function;
        let mut decoder =
            Decoder::with_ip(64, &function.code, function.address, DecoderOptions::NONE);
        let mut starts = BTreeSet::new();
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            starts.insert(instruction.ip());
            if instruction.is_invalid() {
                // What follows can't be told from data.
                self.refuse(Rule::Instruction, &instruction, "is no instruction");
                return;
            }
            if let Some(objection) = objection(&instruction) {
                let name = format!("{:?} {objection}", instruction.code());
                self.refuse(Rule::Instruction, &instruction, &name);
                continue;
            }
            self.control_flow(&instruction);
            self.addresses(&instruction);
        }
        for target in &self.branches {
            if !starts.contains(target) {
                let message = format!("`{}` branches into an instruction", function.name);
                self.findings.push(Finding::new(Rule::Target, message));
            }
        }
    }

    fn control_flow(&mut self, instruction: &Instruction) {
        match instruction.flow_control() {
            FlowControl::Call => self.direct(instruction, true),
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                self.direct(instruction, false);
            }
            // With no jump tables, an indirect branch is a tail call.
            FlowControl::IndirectCall | FlowControl::IndirectBranch => self.indirect(instruction),
            _ => {}
        }
    }

    fn direct(&mut self, instruction: &Instruction, is_call: bool) {
        let target = instruction.near_branch_target();
        let inside = (self.function.address..self.function.end()).contains(&target);
        if inside && !is_call {
            self.branches.insert(target);
        } else if self.image.functions.contains_key(&target) {
            self.node.calls.insert(target);
        } else {
            let message = format!("goes to {target:#x}, where no function starts");
            self.refuse(Rule::Target, instruction, &message);
        }
    }

    /// A call through the GOT has one known target; any other is counted.
    fn indirect(&mut self, instruction: &Instruction) {
        let target = slot(self.image, instruction);
        if target.is_some() && !self.image.is_sealed(instruction.ip_rel_memory_address()) {
            let message = "goes where a word says that the program may write to";
            self.refuse(Rule::Target, instruction, message);
        }
        match target {
            Some(Relocation::Import(name)) => {
                self.node.imports.insert(name.clone());
            }
            Some(Relocation::Relative(target)) if self.image.functions.contains_key(target) => {
                self.node.calls.insert(*target);
            }
            _ => self.node.indirect_calls += 1,
        }
    }

    /// Addresses that the instruction names relative to itself.
    fn addresses(&mut self, instruction: &Instruction) {
        let names_memory = (0..instruction.op_count())
            .any(|operand| instruction.op_kind(operand) == OpKind::Memory);
        if !names_memory || instruction.memory_base() != Register::RIP {
            return;
        }
        let address = instruction.ip_rel_memory_address();
        if !self.image.is_text(address) {
            self.node.data.insert(address);
        } else if self.image.functions.contains_key(&address) {
            self.node.takes.insert(address);
        } else {
            let message = format!("addresses text at {address:#x}, where no function starts");
            self.refuse(Rule::Target, instruction, &message);
        }
    }

    fn refuse(&mut self, rule: Rule, instruction: &Instruction, message: &str) {
        let offset = instruction.ip() - self.function.address;
        let message = format!("`{}`+{offset:#x}: {message}", self.function.name);
        self.findings.push(Finding::new(rule, message));
    }
}
