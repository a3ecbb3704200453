/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the files that programs call into.
 *
 * Everything on the allow-list that takes time or a lock runs in IN_HELPER(),
 * which marks the frame of its caller as being inside a helper::
 *
 *	long rex_thing(struct bpf_map *map, u64 flags)
 *	{
 *		return IN_HELPER(thing(map, flags));
 *	}
 *
 * A program may be ended anywhere, a helper only when it returns: what it
 * holds is not on record. What it has acquired for the program is, by then. A
 * helper that is called by another one must be the plain function (thing()
 * above), not the wrapper.
 */
#ifndef _KERNEL_REX_HELPER_H
#define _KERNEL_REX_HELPER_H

#include "rex.h"
#include "state.h"

/**
 * rex_helper_begin() - a program has called a helper
 * @frame: set to the frame of this CPU and level
 *
 * Context: any, on the Rex stack of the frame.
 * Return: the state that rex_helper_end() goes back to.
 */
static __always_inline enum rex_state rex_helper_begin(struct rex_frame **frame)
{
	enum rex_state from;

	*frame = rex_current_frame();
	rex_stack_sample(*frame, (unsigned long)__builtin_frame_address(0) + sizeof(long));
	from = (*frame)->state;
	rex_set_state(*frame, REX_STATE_HELPER);
	return from;
}

/**
 * rex_helper_end() - a helper is about to return
 * @frame: from rex_helper_begin()
 * @from: likewise
 *
 * Does not return to a program that is over its time.
 */
static __always_inline void rex_helper_end(struct rex_frame *frame, enum rex_state from)
{
	if (unlikely(READ_ONCE(frame->expired)))
		rex_expire(frame, from);
	rex_set_state(frame, from);
}

/* Evaluates expr as a helper. */
#define IN_HELPER(expr)						\
({								\
	struct rex_frame *__frame;				\
	enum rex_state __from = rex_helper_begin(&__frame);	\
	typeof(expr) __ret = (expr);				\
								\
	rex_helper_end(__frame, __from);			\
	__ret;							\
})

/* The same for an expression without a value. */
#define IN_HELPER_VOID(expr)					\
do {								\
	struct rex_frame *__frame;				\
	enum rex_state __from = rex_helper_begin(&__frame);	\
								\
	(expr);							\
	rex_helper_end(__frame, __from);			\
} while (0)

#endif /* _KERNEL_REX_HELPER_H */
