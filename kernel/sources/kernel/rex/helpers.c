// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel functions that programs call.
 *
 * Each one marks its frame as being inside a helper for as long as it runs:
 * a program may be ended anywhere, a helper only when it returns.
 */
#include <linux/bpf.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>
#include <linux/trace_events.h>
#include <linux/uidgid.h>

#include "../trace/bpf_trace.h"
#include "exports.h"
#include "helper.h"
#include "rex.h"

#define REX_TRACE_LEN	512	/* bytes of one rex_trace_print(), NUL included */
#define REX_FMT_LEN	256	/* bytes of a format, NUL included */

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

static u64 current_ids(void)
{
	kuid_t uid;
	kgid_t gid;

	current_uid_gid(&uid, &gid);
	return (u64)from_kgid(&init_user_ns, gid) << 32 | from_kuid(&init_user_ns, uid);
}

u64 rex_get_current_uid_gid(void)
{
	return IN_HELPER(current_ids());
}

static u64 current_cgroup(void)
{
	u64 id = 0;

#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
#endif
	return id;
}

/* 0 on a kernel without control groups; no group has that id. */
u64 rex_get_current_cgroup_id(void)
{
	return IN_HELPER(current_cgroup());
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

static long format(char *buf, size_t size, const char *fmt, size_t fmt_len, const u64 *args,
		   size_t nr_args)
{
	char terminated[REX_FMT_LEN];

	if (fmt_len >= sizeof(terminated))
		return -E2BIG;
	memcpy(terminated, fmt, fmt_len);
	terminated[fmt_len] = '\0';
	return bpf_snprintf_proto.func((u64)buf, size, (u64)terminated, (u64)args,
				       nr_args * sizeof(*args));
}

/**
 * rex_snprintf() - format numbers and kernel strings
 * @buf: where to
 * @size: bytes of it; the text is cut off and NUL-terminated
 * @fmt: of bpf_snprintf()
 * @fmt_len: bytes of it, at most 255
 * @args: one for each conversion
 * @nr_args: at most 12
 *
 * Return: bytes that the whole text takes, NUL included, or -errno.
 */
long rex_snprintf(char *buf, size_t size, const char *fmt, size_t fmt_len, const u64 *args,
		  size_t nr_args)
{
	return IN_HELPER(format(buf, size, fmt, fmt_len, args, nr_args));
}
