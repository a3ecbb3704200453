// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit records: what became of programs that did not return.
 *
 * The last REX_NR_RECORDS are kept. Text is made when it is read, except the
 * names of the program's frames: the object may be gone by then.
 *
 * The lock is taken in every context. An NMI that finds it taken can't wait
 * (its own CPU may hold it); its record is lost and counted.
 */
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "rex.h"

#define REX_NR_RECORDS	64

struct rex_record {
	u64 seq;		/* from 1; 0 for an empty slot */
	u32 prog_id;
	char prog[REX_PROG_NAME_LEN];
	char object[REX_PROG_NAME_LEN];
	enum rex_exit_reason reason;
	int cpu;
	enum rex_level level;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u64 at_ns;
	u64 duration_ns;
	u64 stack_used;
	u32 line;
	u32 column;
	unsigned int nr_released;
	u8 released[REX_MAX_RESOURCES];	/* enum rex_resource_kind */
	char file[REX_MSG_LEN];
	char msg[REX_MSG_LEN];
	unsigned int nr_frames;
	unsigned long frames[REX_MAX_FRAMES];
	char names[REX_MAX_FRAMES][REX_FRAME_LEN];
};

static DEFINE_RAW_SPINLOCK(rex_records_lock);
static struct rex_record rex_records[REX_NR_RECORDS];
static u64 rex_last_seq;

const char *rex_reason_name(enum rex_exit_reason reason)
{
	switch (reason) {
	case REX_EXIT_PANIC:
		return "panic";
	case REX_EXIT_NESTED_PANIC:
		return "nested_panic";
	case REX_EXIT_STACK_OVERFLOW:
		return "stack_overflow";
	case REX_EXIT_RESOURCES:
		return "resources";
	case REX_EXIT_TIMEOUT:
		return "timeout";
	case REX_EXIT_FAULT:
		return "fault";
	default:
		return "none";
	}
}

static const char *level_name(enum rex_level level)
{
	static const char * const names[REX_NR_LEVELS] = {
		[REX_LEVEL_TASK] = "task",
		[REX_LEVEL_SOFTIRQ] = "softirq",
		[REX_LEVEL_HARDIRQ] = "hardirq",
		[REX_LEVEL_NMI] = "nmi",
	};

	return names[level];
}

static void copy_text(char *to, size_t size, const char *from, size_t len)
{
	len = min(len, size - 1);
	memcpy(to, from, len);
	to[len] = '\0';
}

static void copy_trace(struct rex_record *rec, const struct rex_trace *trace)
{
	unsigned int i;

	rec->nr_frames = trace->nr;
	memcpy(rec->frames, trace->entries, trace->nr * sizeof(rec->frames[0]));
	for (i = 0; i < trace->nr; i++)
		rex_trace_name(trace, i, rec->names[i], REX_FRAME_LEN);
}

static void fill_record(struct rex_record *rec, const struct rex_frame *frame,
			const struct rex_exit_info *info, u64 stack_used)
{
	rec->prog_id = frame->prog->aux->id;
	strscpy(rec->prog, frame->func->desc.name, sizeof(rec->prog));
	strscpy(rec->object, frame->func->obj->name, sizeof(rec->object));
	rec->reason = info->reason;
	rec->cpu = smp_processor_id();
	rec->level = interrupt_context_level();
	rec->pid = current->pid;
	strscpy(rec->comm, current->comm, sizeof(rec->comm));
	rec->at_ns = ktime_get_mono_fast_ns();
	rec->duration_ns = rec->at_ns - frame->start_ns;
	rec->stack_used = stack_used;
	rec->line = info->line;
	rec->column = info->column;
	rec->nr_released = frame->nr_released;
	memcpy(rec->released, frame->released, sizeof(rec->released));
	copy_text(rec->file, sizeof(rec->file), info->file, info->file_len);
	copy_text(rec->msg, sizeof(rec->msg), info->msg, info->msg_len);
	copy_trace(rec, &frame->trace);
}

/**
 * rex_record_exit() - keep a record of an exit
 * @frame: of the program, still in use, its trace saved
 * @info: why it ended
 * @stack_used: bytes of its stack at the exit
 *
 * Context: any.
 */
void rex_record_exit(const struct rex_frame *frame, const struct rex_exit_info *info,
		     u64 stack_used)
{
	struct rex_record *rec;
	unsigned long flags;

	if (!in_nmi()) {
		raw_spin_lock_irqsave(&rex_records_lock, flags);
	} else if (!raw_spin_trylock_irqsave(&rex_records_lock, flags)) {
		atomic64_inc(&rex_stats.lost_records);
		return;
	}
	rec = &rex_records[rex_last_seq % REX_NR_RECORDS];
	rec->seq = ++rex_last_seq;
	fill_record(rec, frame, info, stack_used);
	raw_spin_unlock_irqrestore(&rex_records_lock, flags);
}

/* As in C: a backslash and what is not printable ASCII. */
static void escape(struct seq_file *m, const char *text)
{
	seq_escape_str(m, text, ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL | ESCAPE_NAP |
		       ESCAPE_APPEND, "\\");
}

static void show_text(struct seq_file *m, const char *key, const char *text)
{
	seq_printf(m, "%s ", key);
	escape(m, text);
	seq_putc(m, '\n');
}

static void show_record(struct seq_file *m, const struct rex_record *rec)
{
	unsigned int i;

	seq_printf(m, "exit %llu\nprog_id %u\n", rec->seq, rec->prog_id);
	show_text(m, "prog", rec->prog);
	show_text(m, "object", rec->object);
	seq_printf(m, "reason %s\ncpu %d\nlevel %s\npid %d\n", rex_reason_name(rec->reason),
		   rec->cpu, level_name(rec->level), rec->pid);
	show_text(m, "comm", rec->comm);
	seq_printf(m, "at_ns %llu\nduration_ns %llu\nstack_used %llu\nretval 0\n", rec->at_ns,
		   rec->duration_ns, rec->stack_used);
	seq_puts(m, "location ");
	escape(m, rec->file);
	seq_printf(m, ":%u:%u\n", rec->line, rec->column);
	show_text(m, "message", rec->msg);
	seq_printf(m, "released %u", rec->nr_released);
	for (i = 0; i < rec->nr_released; i++)
		seq_printf(m, " %s", rex_resource_name(rec->released[i]));
	seq_putc(m, '\n');
	for (i = 0; i < rec->nr_frames; i++)
		seq_printf(m, "frame %#lx %s\n", rec->frames[i], rec->names[i]);
	seq_puts(m, "end\n");
}

/**
 * rex_records_show() - write the records, oldest first
 * @m: to write to; sized by its owner to hold all of them
 *
 * Context: process.
 */
void rex_records_show(struct seq_file *m)
{
	struct rex_record *copy = kvmalloc(sizeof(*copy), GFP_KERNEL);
	u64 seq;

	if (!copy)
		return;
	seq = READ_ONCE(rex_last_seq);
	seq = seq > REX_NR_RECORDS ? seq - REX_NR_RECORDS + 1 : 1;
	for (; ; seq++) {
		raw_spin_lock_irq(&rex_records_lock);
		*copy = rex_records[(seq - 1) % REX_NR_RECORDS];
		raw_spin_unlock_irq(&rex_records_lock);
		if (copy->seq < seq)
			break;
		/* A newer one may have taken the slot: it is shown in its turn. */
		if (copy->seq == seq)
			show_record(m, copy);
	}
	kvfree(copy);
}
