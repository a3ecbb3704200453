// SPDX-License-Identifier: GPL-2.0-only
//! The instructions that a program may have.
//!
//! An allow-list: general-purpose integer instructions, and what the compiler
//! needs besides. Nothing that uses SSE, x87 or MMX state (which the kernel
//! doesn't save), is privileged, enters or leaves the kernel, touches
//! segments, or does I/O.

use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};

/// Why `instruction` is not allowed, or `None` if it is.
pub fn objection(instruction: &Instruction) -> Option<&'static str> {
    let mnemonic = instruction.mnemonic();
    if !is_listed(mnemonic) && !is_conditional(mnemonic) {
        return Some("is not on the allow-list");
    }
    if matches!(instruction.segment_prefix(), Register::FS | Register::GS) {
        return Some("uses the FS or GS segment");
    }
    for operand in 0..instruction.op_count() {
        if instruction.op_kind(operand) == OpKind::Register
            && !instruction.op_register(operand).is_gpr()
        {
            return Some("uses a register that is no general-purpose one");
        }
    }
    match mnemonic {
        // Far calls and returns load CS.
        Mnemonic::Call | Mnemonic::Jmp | Mnemonic::Ret if !is_near(instruction.code()) => {
            Some("is a far branch")
        }
        // movsd and cmpsd are names of SSE instructions too; those were
        // refused above for their registers, except between memory and none.
        Mnemonic::Movsd if instruction.code() != Code::Movsd_m32_m32 => Some("uses SSE"),
        Mnemonic::Cmpsd if instruction.code() != Code::Cmpsd_m32_m32 => Some("uses SSE"),
        _ => None,
    }
}

fn is_near(code: Code) -> bool {
    matches!(
        code,
        Code::Call_rel32_64
            | Code::Call_rm64
            | Code::Jmp_rel8_64
            | Code::Jmp_rel32_64
            | Code::Jmp_rm64
            | Code::Retnq
    )
}

/// jcc, setcc and cmovcc.
fn is_conditional(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    matches!(
        mnemonic,
        Ja | Jae | Jb | Jbe | Je | Jne | Jg | Jge | Jl | Jle | Jo | Jno | Jp | Jnp | Js | Jns
    ) || matches!(
        mnemonic,
        Seta | Setae
            | Setb
            | Setbe
            | Sete
            | Setne
            | Setg
            | Setge
            | Setl
            | Setle
            | Seto
            | Setno
            | Setp
            | Setnp
            | Sets
            | Setns
    ) || matches!(
        mnemonic,
        Cmova
            | Cmovae
            | Cmovb
            | Cmovbe
            | Cmove
            | Cmovne
            | Cmovg
            | Cmovge
            | Cmovl
            | Cmovle
            | Cmovo
            | Cmovno
            | Cmovp
            | Cmovnp
            | Cmovs
            | Cmovns
    )
}

fn is_listed(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    matches!(
        mnemonic,
        // Moves
        Mov | Movzx | Movsx | Movsxd | Lea | Xchg | Push | Pop | Leave | Bswap
            | Cbw | Cwde | Cdqe | Cwd | Cdq | Cqo
            // Arithmetic and logic
            | Add | Adc | Sub | Sbb | Inc | Dec | Neg | Cmp | Mul | Imul | Div | Idiv
            | And | Or | Xor | Not | Test
            | Shl | Sal | Shr | Sar | Rol | Ror | Rcl | Rcr | Shld | Shrd
            | Bt | Bts | Btr | Btc | Bsf | Bsr | Tzcnt | Clc | Stc | Cmc | Lahf | Sahf
            // Atomics and fences
            | Xadd | Cmpxchg | Mfence | Lfence | Sfence | Pause
            // Memory blocks
            | Movsb | Movsw | Movsd | Movsq | Stosb | Stosw | Stosd | Stosq
            | Cmpsb | Cmpsw | Cmpsd | Cmpsq | Scasb | Scasw | Scasd | Scasq
            | Lodsb | Lodsw | Lodsd | Lodsq
            // direction.rs looks at when they may
            | Std | Cld
            // Branches
            | Call | Jmp | Ret | Jrcxz | Endbr64 | Nop
            // Where the compiler says "unreachable": they fault, and a fault
            // ends the program
            | Ud2 | Int3
    )
}
