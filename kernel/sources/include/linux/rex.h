/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of the kernel sees of Rex: the few functions that the hooks in
 * kernel/bpf and arch/x86 call, and the two that the hooks provide.
 */
#ifndef _LINUX_REX_H
#define _LINUX_REX_H

#include <linux/bpfptr.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <uapi/linux/rex.h>

struct bpf_prog;
struct pt_regs;
struct rex_prog;

#ifdef CONFIG_REX

/**
 * rex_bpf() - run a Rex command of bpf(2)
 * @cmd: one of REX_OBJ_*
 * @uattr: union rex_attr
 * @size: of @uattr in bytes
 *
 * Context: process, may sleep.
 * Return: a file descriptor, or -EINVAL for a command that is not Rex's, or
 * another errno.
 */
int rex_bpf(unsigned int cmd, bpfptr_t uattr, unsigned int size);

/**
 * rex_prog_free() - drop what a Rex program holds besides its struct bpf_prog
 * @rp: bpf_prog_aux.rex of a program that nothing can run any more, or NULL
 *
 * Context: process, may sleep, a grace period after the last run.
 */
void rex_prog_free(struct rex_prog *rp);

/**
 * rex_fixup_fault() - end the program whose instruction trapped
 * @regs: of the trap; changed if so
 * @trapnr: X86_TRAP_*
 * @error_code: of the trap
 * @addr: what a page fault is about
 *
 * Context: the trap's handler, before it calls the trap an oops.
 * Return: true if so; the handler then just returns.
 */
bool rex_fixup_fault(struct pt_regs *regs, int trapnr, unsigned long error_code,
		     unsigned long addr);

/**
 * rex_fixup_double_fault() - end the program that ran into its guard page
 * @regs: of the double fault; changed if so
 * @addr: CR2
 *
 * Context: exc_double_fault(), on its IST stack.
 * Return: true if so; the handler then just returns.
 */
bool rex_fixup_double_fault(struct pt_regs *regs, unsigned long addr);

/**
 * rex_may_nest() - may this program interrupt another one?
 * @prog: that a perf event is about to run, or NULL
 *
 * Called when a BPF program is under way on this CPU. Not in an NMI: there a
 * program could come upon a map that is locked.
 *
 * Context: interrupts disabled.
 * Return: true for a Rex program outside of an NMI.
 */
bool rex_may_nest(const struct bpf_prog *prog);

/*
 * For the hook in arch/x86/kernel/kprobes/opt.c; see kernel/rex/probe.c.
 */
bool rex_kprobe_keeps_breakpoint(unsigned long addr);

/*
 * Provided by the hook in kernel/bpf/syscall.c: give a new program its id and
 * fd, tell perf, audit and the LSMs. Consumes @prog, also on failure.
 */
int rex_prog_publish(struct bpf_prog *prog);

#else

static inline int rex_bpf(unsigned int cmd, bpfptr_t uattr, unsigned int size)
{
	return -EINVAL;
}

static inline void rex_prog_free(struct rex_prog *rp)
{
}

static inline bool rex_fixup_fault(struct pt_regs *regs, int trapnr, unsigned long error_code,
				   unsigned long addr)
{
	return false;
}

static inline bool rex_fixup_double_fault(struct pt_regs *regs, unsigned long addr)
{
	return false;
}

static inline bool rex_may_nest(const struct bpf_prog *prog)
{
	return false;
}

static inline bool rex_kprobe_keeps_breakpoint(unsigned long addr)
{
	return false;
}

#endif /* CONFIG_REX */

#endif /* _LINUX_REX_H */
