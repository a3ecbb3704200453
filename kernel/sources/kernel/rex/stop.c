// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crash-stop: a program that ended abnormally does not run again.
 *
 * It may have left its maps half-changed, and what made it fail is likely to do
 * so again. Which programs are stopped with it is up to kernel.rex_crash_stop:
 *
 *	0	none; abnormal ends are only recorded and counted
 *	1	the programs of the same object (the default)
 *	2	those, and the programs of every object that shares a map with it
 *
 * A stopped program stays attached, but its hook gets the default value without
 * running it. There is no way back: unload the object and load it again. What
 * is running elsewhere at that moment runs to its end.
 *
 * Objects are on a list that is walked under RCU, because an exit may happen in
 * any context, and changed under a mutex. An object that is being loaded
 * meanwhile is not stopped: it is newer than the crash.
 */
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rculist.h>

#include "rex.h"

static LIST_HEAD(objects);
static DEFINE_MUTEX(objects_lock);

/* One bit for each map, so that most pairs of objects are told apart at once. */
static u64 map_filter(const struct rex_object *obj)
{
	u64 filter = 0;
	unsigned int i;

	for (i = 0; i < obj->nr_maps; i++)
		filter |= BIT_ULL(obj->maps[i]->id % BITS_PER_LONG_LONG);
	return filter;
}

/**
 * rex_stop_track() - an object is complete
 * @obj: not published yet
 *
 * Context: process.
 */
void rex_stop_track(struct rex_object *obj)
{
	obj->map_filter = map_filter(obj);
	mutex_lock(&objects_lock);
	list_add_rcu(&obj->node, &objects);
	mutex_unlock(&objects_lock);
}

/**
 * rex_stop_untrack() - an object goes away
 * @obj: tracked or not; to be freed after a grace period
 *
 * Context: process.
 */
void rex_stop_untrack(struct rex_object *obj)
{
	mutex_lock(&objects_lock);
	if (!list_empty(&obj->node))
		list_del_rcu(&obj->node);
	mutex_unlock(&objects_lock);
}

static bool shares_map(const struct rex_object *a, const struct rex_object *b)
{
	unsigned int i, j;

	if (!(a->map_filter & b->map_filter))
		return false;
	for (i = 0; i < REX_MAX_MAPS && a->maps[i]; i++) {
		for (j = 0; j < REX_MAX_MAPS && b->maps[j]; j++) {
			if (a->maps[i] == b->maps[j])
				return true;
		}
	}
	return false;
}

static void stop(struct rex_object *obj, const struct rex_object *crashed)
{
	if (xchg(&obj->stopped, true))
		return;
	if (obj == crashed)
		pr_warn("object %s is stopped\n", obj->name);
	else
		pr_warn("object %s is stopped: it shares a map with %s\n", obj->name,
			crashed->name);
}

/**
 * rex_stop_crashed() - a program of an object has ended abnormally
 * @obj: the object
 *
 * Context: any that a program runs in.
 */
void rex_stop_crashed(struct rex_object *obj)
{
	unsigned int policy = READ_ONCE(rex_crash_stop);
	struct rex_object *other;

	if (policy == REX_CRASH_STOP_NONE)
		return;
	stop(obj, obj);
	if (policy != REX_CRASH_STOP_SHARERS)
		return;
	rcu_read_lock();
	list_for_each_entry_rcu(other, &objects, node) {
		if (shares_map(obj, other))
			stop(other, obj);
	}
	rcu_read_unlock();
}
