// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.rex_timeout_ms	how long a program may run
 * kernel.rex_tick_ms		how often that is looked at; at most the limit
 * kernel.rex_crash_stop	what stops when a program ends abnormally, see stop.c
 * kernel.rex_stack_paint	whether objects loaded from now on are measured, see measure.c
 *
 * A program is ended at most rex_timeout_ms + rex_tick_ms after it began. These
 * take effect at the next tick. A value out of range, or one that would make
 * the tick longer than the limit, gives EINVAL and changes nothing.
 */
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/sysctl.h>

#include "rex.h"

/* An RCU stall is reported after 21 s by default: a longer limit may see one. */
#define TIMEOUT_MIN_MS	10
#define TIMEOUT_MAX_MS	60000
#define TICK_MIN_MS	1

unsigned int rex_timeout_ms __read_mostly = 1000;
unsigned int rex_tick_ms __read_mostly = 50;
unsigned int rex_crash_stop __read_mostly = REX_CRASH_STOP_OBJECT;
unsigned int rex_stack_paint __read_mostly = IS_ENABLED(CONFIG_REX_STACK_PAINT);

static DEFINE_MUTEX(rex_sysctl_lock);
static const unsigned int timeout_min = TIMEOUT_MIN_MS;
static const unsigned int timeout_max = TIMEOUT_MAX_MS;
static const unsigned int tick_min = TICK_MIN_MS;
static const unsigned int policy_max = REX_CRASH_STOP_SHARERS;

/* Lets the ordinary handler write to a copy, which then is checked and taken over. */
static int times_handler(const struct ctl_table *table, int write, void *buffer, size_t *lenp,
			 loff_t *ppos)
{
	unsigned int *target = table->data;
	struct ctl_table copy = *table;
	unsigned int value;
	int err;

	mutex_lock(&rex_sysctl_lock);
	value = *target;
	copy.data = &value;
	err = proc_douintvec_minmax(&copy, write, buffer, lenp, ppos);
	if (!err && write) {
		unsigned int timeout = target == &rex_timeout_ms ? value : rex_timeout_ms;
		unsigned int tick = target == &rex_tick_ms ? value : rex_tick_ms;

		if (tick > timeout)
			err = -EINVAL;
		else
			WRITE_ONCE(*target, value);
	}
	mutex_unlock(&rex_sysctl_lock);
	return err;
}

static struct ctl_table rex_sysctls[] = {
	{
		.procname = "rex_timeout_ms",
		.data = &rex_timeout_ms,
		.maxlen = sizeof(rex_timeout_ms),
		.mode = 0644,
		.proc_handler = times_handler,
		.extra1 = (void *)&timeout_min,
		.extra2 = (void *)&timeout_max,
	},
	{
		.procname = "rex_tick_ms",
		.data = &rex_tick_ms,
		.maxlen = sizeof(rex_tick_ms),
		.mode = 0644,
		.proc_handler = times_handler,
		.extra1 = (void *)&tick_min,
		.extra2 = (void *)&timeout_max,
	},
	{
		.procname = "rex_crash_stop",
		.data = &rex_crash_stop,
		.maxlen = sizeof(rex_crash_stop),
		.mode = 0644,
		.proc_handler = proc_douintvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = (void *)&policy_max,
	},
	{
		.procname = "rex_stack_paint",
		.data = &rex_stack_paint,
		.maxlen = sizeof(rex_stack_paint),
		.mode = 0644,
		.proc_handler = proc_douintvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_ONE,
	},
};

static int __init rex_sysctl_init(void)
{
	register_sysctl_init("kernel", rex_sysctls);
	return 0;
}
subsys_initcall(rex_sysctl_init);
