// SPDX-License-Identifier: GPL-2.0-only
/*
 * References on kernel objects, held by a guard of the program.
 *
 * A reference on a task is one of task_struct::rcu_users, as eBPF's
 * bpf_task_acquire() takes: it keeps the task_struct, not what the task owned,
 * so that a task which exits meanwhile gives back its memory all the same.
 *
 * The last put hands the task_struct to RCU, which an NMI must not do, and
 * a program can't know whether its put is the last. So there are no
 * references in NMI context.
 */
#include <linux/hardirq.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/cputime.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>

#include "exports.h"
#include "helper.h"

static struct task_struct *task_get(s32 pid)
{
	struct task_struct *task;

	rcu_read_lock();
	task = find_task_by_pid_ns(pid, &init_pid_ns);
	if (task && !refcount_inc_not_zero(&task->rcu_users))
		task = NULL;
	rcu_read_unlock();
	return task;
}

/**
 * rex_task_put() - drop a reference on a task
 * @task: referenced by a program
 *
 * Context: any but NMI.
 */
void rex_task_put(struct task_struct *task)
{
	put_task_struct_rcu_user(task);
}

static struct task_struct *task_from_pid(s32 pid)
{
	struct rex_frame *frame = rex_current_frame();
	struct rex_resource *res;

	if (in_nmi())
		return NULL;
	res = rex_resource_claim(frame, REX_RESOURCE_TASK);
	res->ptr = task_get(pid);
	if (!res->ptr)
		rex_resource_unclaim(frame);
	return res->ptr;
}

struct task_struct *rex_task_from_pid(s32 pid)
{
	return IN_HELPER(task_from_pid(pid));
}

static void task_release(struct task_struct *task)
{
	struct rex_resource taken;

	if (rex_resource_take(rex_current_frame(), REX_RESOURCE_TASK, task, &taken))
		rex_task_put(task);
}

void rex_task_release(struct task_struct *task)
{
	IN_HELPER_VOID(task_release(task));
}

static long task_read(struct task_struct *task, struct rex_task_info *info)
{
	info->pid = task->pid;
	info->tgid = task->tgid;
	info->utime = task->utime;
	BUILD_BUG_ON(sizeof(info->comm) != sizeof(task->comm));
	/* The task's name may change meanwhile; a torn copy is still text. */
	strscpy_pad(info->comm, task->comm, sizeof(info->comm));
	return 0;
}

long rex_task_read(struct task_struct *task, struct rex_task_info *info)
{
	return IN_HELPER(task_read(task, info));
}

/**
 * rex_current_task_read() - what there is to know of the current task
 * @info: filled in
 *
 * Context: any; in an interrupt the task is the interrupted one.
 * Return: 0.
 */
long rex_current_task_read(struct rex_task_info *info)
{
	return IN_HELPER(task_read(current, info));
}

static void read_pt_regs(struct task_struct *task, struct pt_regs *regs)
{
	if (task->flags & PF_KTHREAD || !try_get_task_stack(task)) {
		memset(regs, 0, sizeof(*regs));
		return;
	}
	*regs = *task_pt_regs(task);
	put_task_stack(task);
}

/**
 * rex_task_pt_regs() - the registers that a task entered the kernel with
 * @task: referenced by the program, or NULL for the current one
 * @regs: filled in; zeroes for a thread of the kernel and one that has exited.
 *	  Those of a task that runs in user mode are old, or half old.
 */
void rex_task_pt_regs(struct task_struct *task, struct pt_regs *regs)
{
	IN_HELPER_VOID(read_pt_regs(task ?: current, regs));
}
