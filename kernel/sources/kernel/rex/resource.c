// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program holds, and giving it back for the program.
 *
 * A helper that acquires something claims a place in the table of its frame
 * first and acquires afterwards, so that nothing is ever held that is not on
 * record; a table that is full ends the program before the acquisition::
 *
 *	res = rex_resource_claim(frame, REX_RESOURCE_TASK);	may not return
 *	task = get_task(pid);
 *	if (task)
 *		res->ptr = task;
 *	else
 *		rex_resource_unclaim(frame);
 *
 * The program's guards release in the ordinary way (rex_resource_take(), then
 * the opposite of the acquisition), in any order. What is on record when the
 * program ends abnormally is released by rex_release_all(), in the reverse
 * order of acquisition; so is what a program that returns has left behind.
 *
 * None of this runs code of the program: no destructor, no callback. So nothing
 * that a program brings along can keep a release from happening.
 *
 * The table belongs to its frame: only the CPU and level of the frame touch
 * it, inside a helper or when the program has come to its end. The watchdog
 * ends no program inside a helper, hence no locking and no half-done entries.
 */
#include <linux/printk.h>
#include <linux/string.h>

#include "rex.h"
#include "state.h"

/* For exit records and messages. */
const char *rex_resource_name(enum rex_resource_kind kind)
{
	switch (kind) {
	case REX_RESOURCE_TASK:
		return "task";
	case REX_RESOURCE_RINGBUF:
		return "ringbuf";
	case REX_RESOURCE_SPIN_LOCK:
		return "spin_lock";
	case REX_RESOURCE_SOCK:
		return "sock";
	}
	return "unknown";
}

static void __noreturn table_full(struct rex_frame *frame)
{
	static const char msg[] = "more than " __stringify(REX_MAX_RESOURCES)
				  " resources held at once";
	const struct rex_exit_info info = {
		.reason = REX_EXIT_RESOURCES,
		.msg = msg,
		.msg_len = sizeof(msg) - 1,
		.file = "",
	};

	rex_exit(frame, &info);
}

/**
 * rex_resource_claim() - make room for a resource that is about to be acquired
 * @frame: of the program
 * @kind: of resource
 *
 * Ends the program when its table is full.
 *
 * Context: inside a helper.
 * Return: the entry, whose @ptr is to be set once the resource is held.
 */
struct rex_resource *rex_resource_claim(struct rex_frame *frame, enum rex_resource_kind kind)
{
	struct rex_resource *res;

	if (frame->nr_resources >= REX_MAX_RESOURCES)
		table_full(frame);
	res = &frame->resources[frame->nr_resources];
	*res = (struct rex_resource){ .kind = kind };
	/* An NMI may look for what is held, see rex_holds_lock(). */
	barrier();
	frame->nr_resources++;
	return res;
}

/**
 * rex_resource_unclaim() - the acquisition of the last claim failed
 * @frame: of the program
 *
 * Context: inside the helper that claimed.
 */
void rex_resource_unclaim(struct rex_frame *frame)
{
	frame->nr_resources--;
}

/**
 * rex_resource_take() - take a resource off the record, to release it
 * @frame: of the program
 * @kind: of resource
 * @ptr: the resource
 * @taken: set to the entry
 *
 * Context: inside a helper.
 * Return: false if the program holds no such thing, which a guard of the rex
 * crate never claims; it must not be released then.
 */
bool rex_resource_take(struct rex_frame *frame, enum rex_resource_kind kind, const void *ptr,
		       struct rex_resource *taken)
{
	struct rex_resource *all = frame->resources;
	unsigned int i = frame->nr_resources;

	/* Mostly the last one: guards nest. */
	while (i--) {
		if (all[i].kind != kind || all[i].ptr != ptr)
			continue;
		*taken = all[i];
		frame->nr_resources--;
		memmove(&all[i], &all[i + 1], (frame->nr_resources - i) * sizeof(*all));
		return true;
	}
	WARN_ONCE(1, "rex: program %s releases a %s that it does not hold\n",
		  frame->func->desc.name, rex_resource_name(kind));
	return false;
}

static void release(const struct rex_resource *res)
{
	switch (res->kind) {
	case REX_RESOURCE_TASK:
		rex_task_put(res->ptr);
		break;
	case REX_RESOURCE_RINGBUF:
		rex_ringbuf_drop(res->ptr);
		break;
	case REX_RESOURCE_SPIN_LOCK:
		rex_lock_drop(res);
		break;
	case REX_RESOURCE_SOCK:
		rex_sock_put(res->ptr);
		break;
	}
}

/**
 * rex_release_all() - release what a program holds, last acquired first
 * @frame: of a program that has come to its end
 *
 * The kinds are noted in the frame, for the exit record. May be called again:
 * a program that formats its panic message can acquire things too.
 *
 * Context: any that a program runs in; in state CLEANING or TERMINATING, which
 * the watchdog keeps away from.
 */
void rex_release_all(struct rex_frame *frame)
{
	while (frame->nr_resources) {
		const struct rex_resource *res = &frame->resources[--frame->nr_resources];

		/* Claimed by the helper that ends the program, never acquired. */
		if (!res->ptr)
			continue;
		release(res);
		if (frame->nr_released < REX_MAX_RESOURCES)
			frame->released[frame->nr_released++] = res->kind;
	}
}

/**
 * rex_release_leftovers() - a program has returned with something still held
 * @frame: of the program
 *
 * The guards of the rex crate release what they hold when they go out of
 * scope, and cargo rex refuses the ways around that. One that was missed
 * costs a line in the log and a count, no leak.
 *
 * Context: as for rex_release_all(), on the stack of the hook.
 */
void rex_release_leftovers(struct rex_frame *frame)
{
	unsigned int count = frame->nr_resources;

	rex_set_state(frame, REX_STATE_CLEANING);
	rex_release_all(frame);
	atomic64_add(count, &rex_stats.unreleased);
	pr_warn_ratelimited("program %s (id %u) of %s returned with %u resources held, the last one a %s: released\n",
			    frame->func->desc.name, frame->prog->aux->id,
			    frame->func->obj->name, count,
			    rex_resource_name(frame->released[0]));
}
