// SPDX-License-Identifier: GPL-2.0-only
//! How deep programs go, and that those of which it isn't known look.
//!
//! The bound of a program is that of the deepest path through its call graph.
//! The graph ends at the panic handler: behind it the kernel knows of the
//! panic, and the reserve may be used. Recursion and calls through a pointer
//! have no bound; then every function that the program may reach has to begin
//! with the check.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rex_abi::{REX_STACK_PAGES, REX_STACK_RESERVE_PAGES};

use crate::finding::{Finding, Rule};
use crate::frame::{self, Frame};
use crate::graph::Graph;
use crate::image::Image;
use crate::panic_path::HANDLER;
use crate::records::Program;

const PAGE: i64 = 4096;
/// What a program may use of its stack.
const ALLOWED: i64 = (REX_STACK_PAGES - REX_STACK_RESERVE_PAGES) as i64 * PAGE;
/// What the message of a panic may use beyond that.
const REPORT: i64 = (REX_STACK_RESERVE_PAGES - 2) as i64 * PAGE;
/// Bytes above a program's first frame: two words of the kernel's and the
/// return address.
const ABOVE: i64 = 3 * frame::WORD;

/// Why a program has no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// This function may call itself.
    Recursion(String),
    /// This function calls through a pointer.
    Indirect(String),
    /// The bound is more than a program may use.
    Deep(i64),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recursion(name) => write!(f, "`{name}` may call itself"),
            Self::Indirect(name) => write!(f, "`{name}` calls through a pointer"),
            Self::Deep(bytes) => {
                write!(f, "it may need {bytes} bytes, a program has {ALLOWED}")
            }
        }
    }
}

/// Bytes of stack that a program needs at most, or why that isn't known.
pub type Bound = Result<i64, Unproven>;

/// The bound of each program, by name.
pub type Bounds = BTreeMap<String, Bound>;

/// A line for each program.
pub fn summary(bounds: &Bounds) -> String {
    let lines = bounds.iter().map(|(name, bound)| match bound {
        Ok(bytes) => format!("  {name}: at most {bytes} bytes of stack\n"),
        Err(why) => format!("  {name}: checks its stack at run time, because {why}\n"),
    });
    lines.collect()
}

/// What is known of the stacks of an object's programs.
#[derive(Debug, Default)]
pub struct Stacks {
    /// How deep each goes, or why that isn't known.
    pub bounds: Bounds,
    /// Addresses of calls of the check, one for each function that begins with
    /// it and that only programs with a bound reach. They may go.
    pub idle_checks: Vec<u64>,
}

/// Looks at the stacks of all programs; what is wrong goes to `findings`.
pub fn check(image: &Image, graph: &Graph, findings: &mut Vec<Finding>) -> Stacks {
    let mut frames = BTreeMap::new();
    for function in image.functions.values() {
        match frame::of(image, function) {
            Ok(frame) => {
                if frame.deepest >= PAGE {
                    findings.push(too_large(&function.name, frame.deepest));
                }
                frames.insert(function.address, frame);
            }
            Err(finding) => findings.push(finding),
        }
    }
    if frames.len() != image.functions.len() {
        return Stacks::default();
    }
    let stack = Stack {
        image,
        graph,
        frames: &frames,
        handler: handler(image),
    };
    let mut bounds = Bounds::new();
    // Functions that have to check, and why.
    let mut on_guard = BTreeMap::new();
    for program in &image.programs {
        let bound = stack.bound(program.entry, true).map(|bytes| bytes + ABOVE);
        let bound = bound.and_then(|bytes| match bytes {
            0..=ALLOWED => Ok(bytes),
            _ => Err(Unproven::Deep(bytes)),
        });
        if let Err(why) = &bound {
            for address in stack.reached(program.entry, true) {
                let why = format!("the depth of `{}` isn't known: {why}", program.name);
                on_guard.entry(address).or_insert(why);
            }
        }
        findings.extend(claim(program, &bound));
        bounds.insert(program.name.clone(), bound);
    }
    if let Some(handler) = stack.handler {
        let bound = stack.bound(handler, false);
        if bound.is_err() || bound.is_ok_and(|bytes| bytes > REPORT) {
            for address in stack.reached(handler, false) {
                let why = "the depth of a panic isn't known".to_owned();
                on_guard.entry(address).or_insert(why);
            }
        }
    }
    let sites = frames.iter().filter(|(at, _)| !on_guard.contains_key(at));
    let idle_checks = sites.filter_map(|(_, frame)| frame.check).collect();
    let unchecked = on_guard.into_iter().filter(|(at, _)| !stack.checks(*at));
    findings.extend(unchecked.map(|(address, why)| {
        let name = &image.functions[&address].name;
        let message = format!("`{name}` doesn't check the stack, and {why}");
        Finding::new(Rule::Stack, message)
    }));
    Stacks {
        bounds,
        idle_checks,
    }
}

/// The record of a program may say less than what is known, and nothing else.
fn claim(program: &Program, bound: &Bound) -> Option<Finding> {
    let (name, claimed) = (&program.name, program.stack_bytes);
    let message = match bound {
        _ if claimed == 0 => return None,
        Ok(bytes) if *bytes <= i64::from(claimed) => return None,
        Ok(bytes) => {
            format!("the record of `{name}` says {claimed} bytes, it may need {bytes}")
        }
        Err(why) => format!("the record of `{name}` says {claimed} bytes, but {why}"),
    };
    Some(Finding::new(Rule::Stack, message))
}

fn too_large(name: &str, bytes: i64) -> Finding {
    Finding::new(
        Rule::Stack,
        format!(
            "`{name}` has a frame of {bytes} bytes; less than {PAGE} are allowed: keep large values in a map"
        ),
    )
}

fn handler(image: &Image) -> Option<u64> {
    let mut functions = image.functions.values();
    functions.find(|f| f.name == HANDLER).map(|f| f.address)
}

struct Stack<'a> {
    image: &'a Image,
    graph: &'a Graph,
    frames: &'a BTreeMap<u64, Frame>,
    handler: Option<u64>,
}

impl Stack<'_> {
    /// The greatest depth of a run from `entry`. With `cut`, calls of the
    /// panic handler are not followed.
    fn bound(&self, entry: u64, cut: bool) -> Bound {
        let name = |address: &u64| self.image.functions[address].name.clone();
        deepest(entry, |address| {
            let frame = &self.frames[&address];
            if cut && self.handler == Some(address) {
                let calls = BTreeMap::new();
                return Ok((frame.deepest, calls));
            }
            if frame.indirect {
                return Err(Unproven::Indirect(name(&address)));
            }
            Ok((frame.deepest, frame.calls.clone()))
        })
        .map_err(|stop| match stop {
            Stop::Cycle(address) => Unproven::Recursion(name(&address)),
            Stop::Unknown(why) => why,
        })
    }

    /// Whether the function at `address` begins with the check, or is it.
    fn checks(&self, address: u64) -> bool {
        let function = &self.image.functions[&address];
        self.frames[&address].checked || frame::is_check(self.image, function)
    }

    /// The functions that a run from `entry` may reach. A call through a
    /// pointer may reach whatever has its address taken.
    fn reached(&self, entry: u64, cut: bool) -> BTreeSet<u64> {
        let mut seen = BTreeSet::new();
        let mut next = vec![entry];
        while let Some(address) = next.pop() {
            if !seen.insert(address) || (cut && self.handler == Some(address)) {
                continue;
            }
            let frame = &self.frames[&address];
            next.extend(frame.calls.keys());
            if frame.indirect {
                next.extend(&self.graph.in_data);
                next.extend(self.graph.nodes.values().flat_map(|node| &node.takes));
            }
        }
        seen
    }
}

/// Why a walk over the graph gave up.
enum Stop<E> {
    Cycle(u64),
    Unknown(E),
}

/// The deepest path from `entry`. `look` gives a function's own depth, and the
/// depth at which it calls others.
fn deepest<E>(
    entry: u64,
    look: impl Fn(u64) -> Result<(i64, BTreeMap<u64, i64>), E>,
) -> Result<i64, Stop<E>> {
    let mut done = BTreeMap::new();
    let mut open = BTreeMap::new();
    let mut next = vec![entry];
    while let Some(address) = next.pop() {
        if done.contains_key(&address) {
            continue;
        }
        // The second visit comes when all that it calls is done.
        if let Some((own, calls)) = open.remove(&address) {
            let calls: &BTreeMap<u64, i64> = &calls;
            let below = calls.iter().map(|(callee, at)| at + done[callee]);
            let bound = below.fold(own, i64::max);
            done.insert(address, bound);
            continue;
        }
        let (own, calls) = look(address).map_err(Stop::Unknown)?;
        if calls.contains_key(&address) {
            return Err(Stop::Cycle(address));
        }
        next.push(address);
        for callee in calls.keys() {
            if open.contains_key(callee) {
                return Err(Stop::Cycle(*callee));
            }
            next.push(*callee);
        }
        open.insert(address, (own, calls));
    }
    Ok(done[&entry])
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    type Functions = Vec<(i64, BTreeMap<u64, i64>)>;

    /// Every path, one after the other; `None` where one comes back.
    fn brute_force(functions: &Functions, entry: u64, path: &mut Vec<u64>) -> Option<i64> {
        if path.contains(&entry) {
            return None;
        }
        path.push(entry);
        let (own, calls) = &functions[entry as usize];
        let mut bound = *own;
        for (callee, at) in calls {
            bound = bound.max(at + brute_force(functions, *callee, path)?);
        }
        path.pop();
        Some(bound)
    }

    fn functions() -> impl Strategy<Value = Functions> {
        (1..8_u64).prop_flat_map(|count| {
            let calls = btree_map(0..count, 0..200_i64, 0..3);
            vec((0..300_i64, calls), count as usize)
        })
    }

    proptest! {
        #[test]
        fn the_bound_is_that_of_the_deepest_path(functions in functions()) {
            let look = |address: u64| Ok::<_, ()>(functions[address as usize].clone());
            prop_assert_eq!(
                deepest(0, look).ok(),
                brute_force(&functions, 0, &mut Vec::new())
            );
        }
    }
}
