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

rex_bpf_func_t rex_bpf_func(const struct bpf_verifier_ops *ops, enum bpf_func_id id);

#endif /* _KERNEL_REX_BPF_FUNC_H */
