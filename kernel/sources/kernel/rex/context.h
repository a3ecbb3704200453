/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For helpers that take the context of a program.
 */
#ifndef _KERNEL_REX_CONTEXT_H
#define _KERNEL_REX_CONTEXT_H

#include "rex.h"

/**
 * rex_is_own_ctx() - may the running program use this context?
 * @ctx: what it passed to a helper
 * @type: the program type that the helper is for
 *
 * A helper treats what it gets as an xdp_buff, an sk_buff and so on: it must be that
 * which the hook gave to this program, and the program be of that type. The
 * rex crate passes nothing else; this is what the kernel relies on.
 *
 * Context: any, called by a program.
 * Return: true if so.
 */
static inline bool rex_is_own_ctx(const void *ctx, enum bpf_prog_type type)
{
	const struct rex_frame *frame = rex_current_frame();

	return frame->ctx == ctx && frame->func->desc.prog_type == type;
}

#endif /* _KERNEL_REX_CONTEXT_H */
