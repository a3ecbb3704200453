/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eBPF's own helpers, which are static where they are: what a program type may
 * call is found through its verifier's table, as the verifier does it.
 */
#ifndef _KERNEL_REX_BPF_FUNC_H
#define _KERNEL_REX_BPF_FUNC_H

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/errno.h>

typedef u64 (*rex_bpf_func_t)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

static u64 __maybe_unused rex_bpf_func_missing(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return -EOPNOTSUPP;
}

/**
 * rex_bpf_func() - a helper of a program type
 * @ops: of the type, which must have the helper in its own table: the common
 *	one looks at the program, and here is none
 * @id: BPF_FUNC_*
 *
 * Return: the helper, or where the kernel was built without it one that says so.
 */
static inline rex_bpf_func_t rex_bpf_func(const struct bpf_verifier_ops *ops, enum bpf_func_id id)
{
	const struct bpf_func_proto *proto = ops->get_func_proto(id, NULL);

	return proto ? (rex_bpf_func_t)proto->func : rex_bpf_func_missing;
}

#endif /* _KERNEL_REX_BPF_FUNC_H */
