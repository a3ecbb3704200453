// SPDX-License-Identifier: GPL-2.0-only
#![no_std]
#![no_main]

use rex::kprobe::kprobe;
use rex::map::RexArrayMap;
use rex::pt_regs::PtRegs;
use rex::{Result, rex_kprobe, rex_map, rex_printk};

/// How often the system call was made.
#[rex_map]
static CALLS: RexArrayMap<u64> = RexArrayMap::new(1, 0);

/// Runs whenever a process calls dup(2).
#[rex_kprobe(function = "__x64_sys_dup")]
fn on_dup(_program: &kprobe, ctx: &mut PtRegs) -> Result {
    let fd = ctx.syscall_regs()?.args()[0];
    let Some(mut calls) = CALLS.get_mut(&0) else {
        return Err(0);
    };
    let before = calls.fetch_add(1);
    rex_printk!("dup({fd}), call {}", before + 1)
}
