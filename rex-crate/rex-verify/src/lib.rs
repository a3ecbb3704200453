// SPDX-License-Identifier: GPL-2.0-only
//! Checks the final ELF of a Rex object, independently of how it was made.
//!
//! The compiler and the linker are trusted for what the bits mean, not for
//! which bits they are: the [`image`] must have the shape that the kernel's
//! loader expects, import only from the allow-list, and consist of functions
//! whose every byte [`decode`]s to an instruction that a program may have. From
//! the same pass comes the [`graph`] of calls, and from that how deep the
//! [`stack`] of each program gets.

mod balance;
mod code;
mod decode;
mod direction;
mod finding;
mod frame;
pub mod graph;
pub mod image;
mod instruction;
mod panic_path;
mod records;
mod returns;
mod segments;
pub mod stack;

pub use finding::{Finding, Rule};
pub use graph::Graph;
pub use image::Image;
pub use panic_path::HANDLER as PANIC_HANDLER;

/// A verified object.
#[derive(Debug)]
pub struct Verified {
    /// Its parts.
    pub image: Image,
    /// Who calls whom.
    pub graph: Graph,
    /// How deep each program goes, or why that isn't known.
    pub bounds: stack::Bounds,
    /// Addresses of calls of the stack check that may go: whoever gets there has a
    /// bound.
    pub idle_checks: Vec<u64>,
}

/// Findings are collected, but an object with this many is hopeless.
const MOST_FINDINGS: usize = 50;

/// The object's parts and calls, or everything that is wrong with it.
pub fn verify(elf: &[u8]) -> Result<Verified, Vec<Finding>> {
    let image = Image::parse(elf)?;
    let (graph, mut findings) = decode::functions(&image);
    findings.extend(panic_path::check(&image));
    findings.extend(direction::check(&image));
    let coming_back = returns::coming_back(&image);
    findings.extend(returns::check(&image, &coming_back));
    if findings.is_empty() {
        // Only calls that go to functions can be followed.
        let stacks = stack::check(&image, &graph, &mut findings);
        if findings.is_empty() {
            findings.extend(balance::check(&image, &coming_back));
        }
        if findings.is_empty() {
            return Ok(Verified {
                image,
                graph,
                bounds: stacks.bounds,
                idle_checks: stacks.idle_checks,
            });
        }
    }
    findings.truncate(MOST_FINDINGS);
    Err(findings)
}
