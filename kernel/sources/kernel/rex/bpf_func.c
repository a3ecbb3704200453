// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking up eBPF's own helpers, when the kernel starts.
 *
 * A program type's table leads to the common one for what it does not have, as
 * when the kernel was built without it. The common one asks what the program
 * may do; here is none, so one without a token stands in, for which the task is
 * asked. That is the kernel itself.
 */
#include <linux/bpf.h>
#include <linux/init.h>

#include "bpf_func.h"

static u64 missing(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return -EOPNOTSUPP;
}

/**
 * rex_bpf_func() - a helper of a program type
 * @ops: of the type
 * @id: BPF_FUNC_*
 *
 * Return: the helper, or where the kernel was built without it one that says so.
 */
rex_bpf_func_t __init rex_bpf_func(const struct bpf_verifier_ops *ops, enum bpf_func_id id)
{
	static struct bpf_prog_aux aux __initdata;
	static struct bpf_prog nobody __initdata = { .aux = &aux };
	const struct bpf_func_proto *proto = ops->get_func_proto(id, &nobody);

	return proto ? (rex_bpf_func_t)proto->func : missing;
}
