// SPDX-License-Identifier: GPL-2.0-only
//! The instruction allow-list, branch targets, and the graph of calls.

use crate::common::{Code, DATA, GOT, Object, RET, TEXT};
use object::elf::R_X86_64_RELATIVE;
use rex_verify::{Finding, Rule, verify};

fn findings(code: &[u8]) -> Vec<Finding> {
    verify(&Object::with_code(code).build())
        .err()
        .unwrap_or_default()
}

#[test]
fn what_a_compiler_needs_is_allowed() {
    for (name, code) in [
        ("endbr64", &[0xf3, 0x0f, 0x1e, 0xfa][..]),
        ("push rbp, pop rbp", &[0x55, 0x5d]),
        ("mov rbp, rsp between", &[0x55, 0x48, 0x89, 0xe5, 0x5d]),
        ("lock xadd [rdi], rax", &[0xf0, 0x48, 0x0f, 0xc1, 0x07]),
        ("rep movsb", &[0xf3, 0xa4]),
        ("movsd (string)", &[0xa5]),
        ("cmovne rax, rcx", &[0x48, 0x0f, 0x45, 0xc1]),
        ("sete al", &[0x0f, 0x94, 0xc0]),
        ("div rcx", &[0x48, 0xf7, 0xf1]),
        ("mfence", &[0x0f, 0xae, 0xf0]),
        ("ud2", &[0x0f, 0x0b]),
        ("int3", &[0xcc]),
    ] {
        let mut code = code.to_vec();
        code.extend_from_slice(RET);
        assert_eq!(findings(&code), [], "{name}");
    }
}

#[test]
fn what_a_program_must_not_do_is_refused() {
    for (name, code) in [
        ("cli", &[0xfa][..]),
        ("sti", &[0xfb]),
        ("hlt", &[0xf4]),
        ("syscall", &[0x0f, 0x05]),
        ("sysenter", &[0x0f, 0x34]),
        ("sysret", &[0x48, 0x0f, 0x07]),
        ("int 0x80", &[0xcd, 0x80]),
        ("int1", &[0xf1]),
        ("iretq", &[0x48, 0xcf]),
        ("in al, dx", &[0xec]),
        ("out dx, al", &[0xee]),
        ("outsb", &[0x6e]),
        ("rdmsr", &[0x0f, 0x32]),
        ("wrmsr", &[0x0f, 0x30]),
        ("rdtsc", &[0x0f, 0x31]),
        ("cpuid", &[0x0f, 0xa2]),
        ("mov rax, cr3", &[0x0f, 0x20, 0xd8]),
        ("mov cr3, rax", &[0x0f, 0x22, 0xd8]),
        ("mov rax, dr7", &[0x0f, 0x21, 0xf8]),
        ("mov ds, eax", &[0x8e, 0xd8]),
        ("mov eax, ds", &[0x8c, 0xd8]),
        ("push fs", &[0x0f, 0xa0]),
        ("pop gs", &[0x0f, 0xa9]),
        (
            "mov rax, gs:[0]",
            &[0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0],
        ),
        (
            "mov rax, fs:[0]",
            &[0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0],
        ),
        ("wrgsbase rax", &[0xf3, 0x48, 0x0f, 0xae, 0xd8]),
        ("swapgs", &[0x0f, 0x01, 0xf8]),
        ("lgdt [rax]", &[0x0f, 0x01, 0x10]),
        ("lidt [rax]", &[0x0f, 0x01, 0x18]),
        ("invlpg [rax]", &[0x0f, 0x01, 0x38]),
        ("clac", &[0x0f, 0x01, 0xca]),
        ("stac", &[0x0f, 0x01, 0xcb]),
        ("pushfq", &[0x9c]),
        ("popfq", &[0x9d]),
        ("retf", &[0xcb]),
        ("ret 8", &[0xc2, 0x08, 0x00]),
        ("call far [rax]", &[0x48, 0xff, 0x18]),
        ("jmp far [rax]", &[0x48, 0xff, 0x28]),
        ("enter", &[0xc8, 0, 0, 0]),
        ("movaps xmm0, xmm1", &[0x0f, 0x28, 0xc1]),
        ("movsd xmm0, xmm1", &[0xf2, 0x0f, 0x10, 0xc1]),
        ("movsd xmm0, [rax]", &[0xf2, 0x0f, 0x10, 0x00]),
        ("addss xmm0, xmm1", &[0xf3, 0x0f, 0x58, 0xc1]),
        ("fld1", &[0xd9, 0xe8]),
        ("fxsave [rax]", &[0x0f, 0xae, 0x00]),
        ("emms", &[0x0f, 0x77]),
        ("movq mm0, mm1", &[0x0f, 0x6f, 0xc1]),
        ("vaddps ymm0, ymm0, ymm0", &[0xc5, 0xfc, 0x58, 0xc0]),
        ("vmcall", &[0x0f, 0x01, 0xc1]),
        ("xgetbv", &[0x0f, 0x01, 0xd0]),
        ("rdpmc", &[0x0f, 0x33]),
        ("wbinvd", &[0x0f, 0x09]),
        ("a byte that begins nothing", &[0x06]),
    ] {
        let mut code = code.to_vec();
        code.extend_from_slice(RET);
        let findings = findings(&code);
        assert!(
            findings
                .iter()
                .any(|finding| finding.rule == Rule::Instruction),
            "{name}: {findings:?}"
        );
    }
}

#[test]
fn an_instruction_does_not_run_over_the_function_s_end() {
    // The first four bytes of a five-byte mov.
    let findings = findings(&[0xb8, 0x00, 0x00, 0x00]);
    assert_eq!(findings[0].rule, Rule::Instruction);
}

#[test]
fn branches_stay_on_instructions_and_calls_go_to_functions() {
    // jmp to itself + 1: into its own displacement.
    let into = findings(&[0xeb, 0xff, 0xc3]);
    assert!(
        into.iter()
            .any(|f| f.rule == Rule::Target && f.message.contains("into an instruction"))
    );
    // jmp to the next instruction.
    assert_eq!(findings(&[0xeb, 0x00, 0xc3]), []);
    // call +0x100: nothing is there.
    let nowhere = findings(&[0xe8, 0x00, 0x01, 0x00, 0x00, 0xc3]);
    assert!(
        nowhere
            .iter()
            .any(|f| f.rule == Rule::Target && f.message.contains("no function starts"))
    );
    // call to the ret of the function itself: not its start.
    let inside = findings(&[0xe8, 0x00, 0x00, 0x00, 0x00, 0xc3]);
    assert!(inside.iter().any(|f| f.rule == Rule::Target));
    // lea of an address within the text.
    let taken = findings(&[0x48, 0x8d, 0x05, 0x00, 0x00, 0x00, 0x00, 0xc3]);
    assert!(
        taken
            .iter()
            .any(|f| f.rule == Rule::Target && f.message.contains("addresses text"))
    );
}

#[test]
fn data_points_at_functions_only_at_their_start() {
    let mut object = Object::with_code(&[0x90, 0xc3]);
    object.relocations = vec![(R_X86_64_RELATIVE, DATA + 64, 0, TEXT as i64 + 1)];
    let findings = verify(&object.build()).unwrap_err();
    assert_eq!(findings[0].rule, Rule::Target);
}

/// `call [rip + x]` at `at` for the word at `slot`.
fn call_through(slot: u64, at: u64) -> Vec<u8> {
    let displacement = (slot as i64 - (at as i64 + 6)) as i32;
    let mut code = vec![0xff, 0x15];
    code.extend_from_slice(&displacement.to_le_bytes());
    code
}

#[test]
fn calls_are_told_apart() {
    let mut first = call_through(GOT, TEXT);
    first.extend_from_slice(&[0xff, 0xd0]); // call rax
    first.extend_from_slice(&[0xe8, 0x01, 0x00, 0x00, 0x00]); // call second
    first.extend_from_slice(RET);
    let second = TEXT + first.len() as u64;
    let mut object = Object::with_code(&first);
    object.functions.push(Code {
        name: "good::second",
        bytes: RET.to_vec(),
    });
    // What a program can't reach need not check the stack.
    object.entry = Some(second);
    let verified = verify(&object.build()).unwrap();
    let node = &verified.graph.nodes[&TEXT];
    assert_eq!(node.imports.iter().collect::<Vec<_>>(), ["rex_trace_print"]);
    assert_eq!(node.calls.iter().collect::<Vec<_>>(), [&second]);
    assert_eq!(node.indirect_calls, 1);
    assert!(verified.graph.reaches(TEXT, "rex_trace_print"));
    assert!(!verified.graph.reaches(second, "rex_trace_print"));
}

#[test]
fn a_local_function_in_the_got_is_a_direct_call() {
    let slot = GOT + 8;
    let mut code = call_through(slot, TEXT);
    code.extend_from_slice(RET);
    let mut object = Object::with_code(&code);
    object.relocations = vec![(R_X86_64_RELATIVE, slot, 0, TEXT as i64)];
    // It calls itself; what a program can't reach need not check the stack.
    object.entry = Some(TEXT + code.len() as u64);
    object.functions.push(Code {
        name: "good::second",
        bytes: RET.to_vec(),
    });
    let verified = verify(&object.build()).unwrap();
    let node = &verified.graph.nodes[&TEXT];
    assert_eq!(node.indirect_calls, 0);
    assert!(node.calls.contains(&TEXT));
}
