// SPDX-License-Identifier: GPL-2.0-only
//! Kernel extensions in safe Rust.
//!
//! A Rex program is a `#![no_std]` crate with `unsafe` forbidden. It names its
//! entry points with an attribute per hook ([`rex_kprobe`],
//! [`rex_tracepoint`], [`rex_perf_event`], [`rex_xdp`], [`rex_tc`]) and its maps
//! with [`rex_map`]:
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! use rex::kprobe::kprobe;
//! use rex::map::RexArrayMap;
//! use rex::pt_regs::PtRegs;
//! use rex::{Result, rex_kprobe, rex_map, rex_printk};
//!
//! #[rex_map]
//! static CALLS: RexArrayMap<u64> = RexArrayMap::new(1, 0);
//!
//! #[rex_kprobe(function = "__x64_sys_dup")]
//! fn hello(_program: &kprobe, _ctx: &mut PtRegs) -> Result {
//!     if let Some(mut calls) = CALLS.get_mut(&0) {
//!         *calls += 1;
//!     }
//!     rex_printk!("hello")
//! }
//! ```
//!
//! Programs are compiled with `-F unsafe-code`, so this crate is where the
//! promises are kept: nothing that it exports as safe may be able to break
//! memory or type safety, whatever the caller does.

#![no_std]
#![feature(allow_internal_unsafe)]
#![feature(auto_traits, negative_impls)]
#![feature(transmutability)]
#![allow(internal_features)]
#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

#[macro_use]
mod helpers;

mod convert;
#[doc(hidden)]
pub mod descriptor;
mod entry;
mod ffi;
pub mod kprobe;
pub mod linux;
pub mod map;
mod owned_task;
pub mod packet;
mod panic;
pub mod perf_event;
pub mod plain;
#[doc(hidden)]
pub mod printk;
pub mod program;
pub mod pt_regs;
pub mod sched_cls;
pub mod sock;
pub mod spinlock;
mod stack;
pub mod task_struct;
mod text;
pub mod tracepoint;
pub mod utils;
pub mod xdp;

pub use rex_macros::{rex_kprobe, rex_map, rex_perf_event, rex_tc, rex_tracepoint, rex_xdp};

/// What a program returns. The value inside goes to the hook either way, so
/// `Err(-EINVAL)` from a helper can be passed on with `?`.
pub type Result = core::result::Result<i32, i32>;

/// What a kernel function says: an errno as `Err`, anything else as `Ok`.
fn from_kernel(value: i64) -> Result {
    // Every such value is an errno or a small count.
    let value = value as i32;
    if value < 0 { Err(value) } else { Ok(value) }
}
