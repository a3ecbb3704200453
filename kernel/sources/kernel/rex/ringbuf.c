// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring buffers: records for user space.
 *
 * A reservation is a piece of the buffer that nobody else writes to and that
 * user space can't read past until it is submitted or discarded. A reservation
 * that is forgotten would stop the reader there for ever, so it is on record
 * like everything else that a program holds. All work is done by the functions
 * behind eBPF's helpers.
 */
#include <linux/bpf.h>

#include "exports.h"
#include "helper.h"

static void *ringbuf_reserve(struct bpf_map *map, u64 size)
{
	struct rex_frame *frame = rex_current_frame();
	struct rex_resource *res;

	res = rex_resource_claim(frame, REX_RESOURCE_RINGBUF);
	res->ptr = (void *)bpf_ringbuf_reserve_proto.func((unsigned long)map, size, 0, 0, 0);
	if (!res->ptr) {
		rex_resource_unclaim(frame);
		return NULL;
	}
	return res->ptr;
}

/* Reserves size bytes; NULL when there is no room for them. */
void *rex_ringbuf_reserve(struct bpf_map *map, u64 size)
{
	return IN_HELPER(ringbuf_reserve(map, size));
}

/**
 * rex_ringbuf_drop() - discard a reservation
 * @sample: reserved by a program
 *
 * Context: any that a program runs in.
 */
void rex_ringbuf_drop(void *sample)
{
	bpf_ringbuf_discard_proto.func((unsigned long)sample, 0, 0, 0, 0);
}

static void ringbuf_finish(void *sample, u64 flags, const struct bpf_func_proto *how)
{
	struct rex_resource taken;

	if (rex_resource_take(rex_current_frame(), REX_RESOURCE_RINGBUF, sample, &taken))
		how->func((unsigned long)sample, flags, 0, 0, 0);
}

void rex_ringbuf_submit(void *sample, u64 flags)
{
	IN_HELPER_VOID(ringbuf_finish(sample, flags, &bpf_ringbuf_submit_proto));
}

void rex_ringbuf_discard(void *sample, u64 flags)
{
	IN_HELPER_VOID(ringbuf_finish(sample, flags, &bpf_ringbuf_discard_proto));
}

/* Copies a record in: nothing is held in between. */
long rex_ringbuf_output(struct bpf_map *map, const void *data, u64 size, u64 flags)
{
	return IN_HELPER((long)bpf_ringbuf_output_proto.func((unsigned long)map,
							     (unsigned long)data, size, flags, 0));
}

u64 rex_ringbuf_query(struct bpf_map *map, u64 what)
{
	return IN_HELPER(bpf_ringbuf_query_proto.func((unsigned long)map, what, 0, 0, 0));
}
