/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The execution state of a frame, and the only place that changes it.
 *
 *	from \ to      IDLE PROGRAM HELPER CLEANING REPORTING TERMINATING
 *	IDLE            .     x       .       .         .         .
 *	PROGRAM         x     .       x       x         .         x
 *	HELPER          .     x       .       x         x         x
 *	CLEANING        x     .       .       .         x         x
 *	REPORTING       .     .       x       .         .         x
 *	TERMINATING     x     .       .       .         .         .
 *
 * PROGRAM -> IDLE is the normal return; it goes by way of CLEANING when the
 * program returned with something still held. A panic goes CLEANING (release what
 * the program held), REPORTING (its own code formats the message), TERMINATING
 * (record, log, landing pad), IDLE. A helper may be called while a message is
 * formatted, hence REPORTING -> HELPER; it returns to the state it came from.
 * CLEANING and REPORTING go straight to TERMINATING when a second panic hits.
 *
 * A transition that is not in the table is a bug of the runtime: it warns, and
 * happens all the same, because the way out must stay open.
 */
#ifndef _KERNEL_REX_STATE_H
#define _KERNEL_REX_STATE_H

#include <linux/bits.h>
#include <linux/bug.h>

#include "rex.h"

static inline bool rex_state_legal(enum rex_state from, enum rex_state to)
{
	static const u8 legal[] = {
		[REX_STATE_IDLE] = BIT(REX_STATE_PROGRAM),
		[REX_STATE_PROGRAM] = BIT(REX_STATE_IDLE) | BIT(REX_STATE_HELPER) |
				      BIT(REX_STATE_CLEANING) | BIT(REX_STATE_TERMINATING),
		[REX_STATE_HELPER] = BIT(REX_STATE_PROGRAM) | BIT(REX_STATE_REPORTING) |
				     BIT(REX_STATE_CLEANING) | BIT(REX_STATE_TERMINATING),
		[REX_STATE_CLEANING] = BIT(REX_STATE_IDLE) | BIT(REX_STATE_REPORTING) |
				       BIT(REX_STATE_TERMINATING),
		[REX_STATE_REPORTING] = BIT(REX_STATE_HELPER) | BIT(REX_STATE_TERMINATING),
		[REX_STATE_TERMINATING] = BIT(REX_STATE_IDLE),
	};

	return from < ARRAY_SIZE(legal) && legal[from] & BIT(to);
}

static __always_inline void rex_set_state(struct rex_frame *frame, enum rex_state to)
{
	WARN_ONCE(!rex_state_legal(frame->state, to), "rex: state %d -> %d is not legal\n",
		  frame->state, to);
	WRITE_ONCE(frame->state, to);
}

#endif /* _KERNEL_REX_STATE_H */
