// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel functions that programs call.
 *
 * Each one marks its frame as being inside a helper for as long as it runs:
 * a program may be ended anywhere, a helper only when it returns.
 */
#include <linux/bpf.h>
#include <linux/error-injection.h>
#include <linux/jiffies.h>
#include <linux/prandom.h>
#include <linux/ptrace.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>
#include <linux/trace_events.h>
#include <linux/uaccess.h>

#include "../trace/bpf_trace.h"
#include "exports.h"
#include "helper.h"
#include "rex.h"

#define REX_TRACE_LEN	512	/* bytes of one rex_trace_print(), NUL included */

void *rex_map_lookup_elem(struct bpf_map *map, void *key)
{
	return IN_HELPER(map->ops->map_lookup_elem(map, key));
}

static long map_update(struct bpf_map *map, void *key, void *value, u64 flags)
{
	long err = rex_lock_of_update(map, &flags);

	return err ?: map->ops->map_update_elem(map, key, value, flags);
}

long rex_map_update_elem(struct bpf_map *map, void *key, void *value, u64 flags)
{
	return IN_HELPER(map_update(map, key, value, flags));
}

long rex_map_delete_elem(struct bpf_map *map, void *key)
{
	return IN_HELPER(map->ops->map_delete_elem(map, key));
}

static long trace_print(const char *text, size_t len)
{
	char buf[REX_TRACE_LEN];

	len = min(len, sizeof(buf) - 1);
	memcpy(buf, text, len);
	buf[len] = '\0';
	trace_bpf_trace_printk(buf);
	return len;
}

/*
 * A program that prints wants to be read: enables the event that its text goes
 * to, as loading an eBPF program that uses bpf_trace_printk() does.
 */
void rex_trace_print_prepare(void)
{
	if (trace_set_clr_event("bpf_trace", "bpf_trace_printk", 1))
		pr_warn_ratelimited("could not enable bpf_trace_printk events\n");
}

long rex_trace_print(const char *text, size_t len)
{
	return IN_HELPER(trace_print(text, len));
}

u64 rex_get_current_pid_tgid(void)
{
	return (u64)current->tgid << 32 | current->pid;
}

static long current_comm(char *buf, size_t len)
{
	/* The task's own name may change meanwhile; a torn copy is still text. */
	strscpy_pad(buf, current->comm, len);
	return 0;
}

long rex_get_current_comm(char *buf, size_t len)
{
	return len ? IN_HELPER(current_comm(buf, len)) : -EINVAL;
}

u32 rex_get_smp_processor_id(void)
{
	return raw_smp_processor_id();
}

u32 rex_get_numa_node_id(void)
{
	return numa_node_id();
}

u32 rex_get_prandom_u32(void)
{
	return IN_HELPER(bpf_user_rnd_u32(0, 0, 0, 0, 0));
}

u64 rex_jiffies64(void)
{
	return get_jiffies_64();
}

u64 rex_ktime_get_ns(void)
{
	return IN_HELPER(ktime_get_mono_fast_ns());
}

u64 rex_ktime_get_boot_ns(void)
{
	return IN_HELPER(ktime_get_boot_fast_ns());
}

u64 rex_ktime_get_coarse_ns(void)
{
	return IN_HELPER(ktime_get_coarse_ns());
}

static long probe_read_kernel(void *dst, size_t len, const void *src)
{
	long err = copy_from_kernel_nofault(dst, src, len);

	if (err)
		memset(dst, 0, len);
	return err;
}

long rex_probe_read_kernel(void *dst, size_t len, const void *src)
{
	return IN_HELPER(probe_read_kernel(dst, len, src));
}

/*
 * Skips the probed function. The program must have said so in its record,
 * because only then has the hook checked that the function allows it; and the
 * registers must be those it was called with.
 */
long rex_override_return(struct pt_regs *regs, unsigned long value)
{
	const struct rex_frame *frame = rex_current_frame();

	if (!IS_ENABLED(CONFIG_BPF_KPROBE_OVERRIDE))
		return -EOPNOTSUPP;
	if (!(frame->func->desc.flags & REX_PROG_F_OVERRIDE))
		return -EPERM;
	if (regs != frame->ctx)
		return -EINVAL;
	regs_set_return_value(regs, value);
	override_function_with_return(regs);
	return 0;
}
