// SPDX-License-Identifier: GPL-2.0-only
//! The check that every function begins with.
//!
//! The compiler makes each function call `mcount` once it has allocated its
//! frame. A Rex stack has 32 KiB and is aligned to its size; the upper half is
//! the program's, so bit 14 of the stack pointer tells the halves apart. In the
//! reserve below, the kernel decides: it ends the program, unless the program
//! is formatting the message of a panic, which may use part of the reserve.
//!
//! `cargo rex` takes the calls out of functions that only programs with a proved
//! bound reach.

use core::arch::naked_asm;

use rex_abi::{REX_STACK_PAGES, REX_STACK_RESERVE_PAGES};

use crate::ffi;

/// Set in an address of the program's half, clear in one of the reserve.
const PROGRAM_HALF: u32 = REX_STACK_RESERVE_PAGES * 4096;

const _: () = assert!(PROGRAM_HALF.is_power_of_two());
const _: () = assert!(REX_STACK_PAGES == 2 * REX_STACK_RESERVE_PAGES);

/// Goes to the kernel when the stack of the caller ends in the reserve.
///
/// Called by code that the compiler adds, like any C function.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn mcount() {
    naked_asm!(
        "test esp, {half}",
        "je 2f",
        "ret",
        "2: jmp qword ptr [rip + {low}@GOTPCREL]",
        half = const PROGRAM_HALF,
        low = sym ffi::rex_stack_low,
    )
}
