// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory at any address, and return values of other functions.
 *
 * Reading fails where it would fault. Writing to user memory, which may change
 * what any process does, is off: kernel.rex_probe_write_user turns it on, and an
 * object that would do it is only loaded then.
 */
#include <linux/error-injection.h>
#include <linux/hardirq.h>
#include <linux/init.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sysctl.h>
#include <linux/uaccess.h>

#include <asm/tlbflush.h>

#include "exports.h"
#include "helper.h"
#include "rex.h"

/* What is no address at all reads like one that nothing is mapped at. */
static long read_kernel(void *dst, size_t len, const void *src)
{
	if (!copy_from_kernel_nofault(dst, src, len))
		return 0;
	memset(dst, 0, len);
	return -EFAULT;
}

long rex_probe_read_kernel(void *dst, size_t len, const void *src)
{
	return IN_HELPER(read_kernel(dst, len, src));
}

static long read_user(void *dst, size_t len, const void __user *src)
{
	long err = copy_from_user_nofault(dst, src, len);

	if (err)
		memset(dst, 0, len);
	return err;
}

long rex_probe_read_user(void *dst, size_t len, const void __user *src)
{
	return IN_HELPER(read_user(dst, len, src));
}

/*
 * A text of len bytes, NUL included, was read to dst. What is behind it is
 * zeroed, and all of it when it could not be read, so that a program never
 * takes half of a text, or what was there before, for an answer.
 */
static long text_was_read(char *dst, size_t size, long len)
{
	if (len < 0) {
		memset(dst, 0, size);
		return -EFAULT;
	}
	len = max(len, 1L);
	memset(dst + len, 0, size - len);
	return len;
}

static long read_kernel_str(char *dst, size_t size, const void *src)
{
	return text_was_read(dst, size, strncpy_from_kernel_nofault(dst, src, size));
}

long rex_probe_read_kernel_str(char *dst, size_t size, const void *src)
{
	return size ? IN_HELPER(read_kernel_str(dst, size, src)) : -EINVAL;
}

static long read_user_str(char *dst, size_t size, const void __user *src)
{
	return text_was_read(dst, size, strncpy_from_user_nofault(dst, src, size));
}

long rex_probe_read_user_str(char *dst, size_t size, const void __user *src)
{
	return size ? IN_HELPER(read_user_str(dst, size, src)) : -EINVAL;
}

static int probe_write_user_on;

/**
 * rex_probe_write_user_refused() - why an object must not write user memory
 *
 * Return: the reason, or NULL if it may.
 */
const char *rex_probe_write_user_refused(void)
{
	return READ_ONCE(probe_write_user_on) ? NULL :
		"writing to user memory is off (sysctl kernel.rex_probe_write_user)";
}

static long write_user(void __user *dst, const void *src, size_t len)
{
	if (!READ_ONCE(probe_write_user_on))
		return -EPERM;
	/* As bpf_probe_write_user(): only a task that has user memory of its own. */
	if (in_interrupt() || current->flags & (PF_KTHREAD | PF_EXITING) || !nmi_uaccess_okay())
		return -EPERM;
	return copy_to_user_nofault(dst, src, len);
}

long rex_probe_write_user(void __user *dst, const void *src, size_t len)
{
	return IN_HELPER(write_user(dst, src, len));
}

/*
 * Skips the probed function. The program must have said so in its record,
 * because only then has the hook checked that the function allows it; and the
 * registers must be those it was called with.
 */
long rex_override_return(struct pt_regs *regs, unsigned long value)
{
	const struct rex_frame *frame = rex_current_frame();

	if (!IS_ENABLED(CONFIG_BPF_KPROBE_OVERRIDE))
		return -EOPNOTSUPP;
	if (!(frame->func->desc.flags & REX_PROG_F_OVERRIDE))
		return -EPERM;
	if (regs != frame->ctx)
		return -EINVAL;
	regs_set_return_value(regs, value);
	override_function_with_return(regs);
	return 0;
}

/**
 * rex_kprobe_keeps_breakpoint() - may a probe not be turned into a jump?
 * @addr: of the probe
 *
 * Whatever a probe's handler does to the instruction pointer is lost when the
 * probe was optimised, so that overriding a return would silently stop working
 * some ticks after it was attached. A program is attached after its probe was
 * registered, so this is about all functions that can be overridden. Probes on
 * ftrace's own call sites, which most functions have, are never optimised.
 *
 * Context: process, may sleep.
 * Return: true if so.
 */
bool rex_kprobe_keeps_breakpoint(unsigned long addr)
{
	return IS_ENABLED(CONFIG_BPF_KPROBE_OVERRIDE) && within_error_injection_list(addr);
}

static struct ctl_table probe_sysctls[] = {
	{
		.procname	= "rex_probe_write_user",
		.data		= &probe_write_user_on,
		.maxlen		= sizeof(probe_write_user_on),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
};

static int __init probe_init(void)
{
	register_sysctl_init("kernel", probe_sysctls);
	return 0;
}

late_initcall(probe_init);
