// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit records: what became of programs that did not return.
 *
 * The last REX_NR_RECORDS are kept. Text is made when it is read, except the
 * names of frames outside of the kernel's own text: their object may be gone
 * by then.
 *
 * Exits happen in every context, an NMI included, and on all CPUs at once, so
 * there is no lock. A word for each slot says who may touch it::
 *
 *	0		nobody has used it
 *	SLOT_CLAIMED	a writer has it, and is about to take a number
 *	n | SLOT_BUSY	it is being filled with record n
 *	n		it has record n, until a writer claims it
 *
 * A writer claims the slot of the oldest record by cmpxchg, so that it waits
 * for nobody: one that it interrupted keeps its slot. Only when all slots are
 * being written to at the same time, which takes more than REX_NR_RECORDS
 * programs that end at once, a record is lost, and counted.
 *
 * A reader copies a slot and looks whether the word is still what it was.
 */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "rex.h"

#define REX_NR_RECORDS	64

struct rex_record {
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
	u64 count;		/* abnormal ends of this program, this one included */
	u32 retval;
	u32 line;
	u32 column;
	unsigned int nr_released;
	u8 released[REX_MAX_RESOURCES];	/* enum rex_resource_kind */
	size_t file_len;
	size_t msg_len;
	char file[REX_MSG_LEN];
	char msg[REX_MSG_LEN];
	unsigned int nr_frames;
	unsigned long frames[REX_MAX_FRAMES];
	char names[REX_MAX_FRAMES][REX_FRAME_LEN];	/* "": the kernel's, looked up when read */
};

#define SLOT_BUSY	BIT_ULL(63)
#define SLOT_CLAIMED	(SLOT_BUSY | BIT_ULL(62))

static struct rex_record rex_records[REX_NR_RECORDS];
static atomic64_t rex_slots[REX_NR_RECORDS];
static atomic64_t rex_last_seq;

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

/* Not a string: a message may have any bytes in it. */
static size_t copy_text(char *to, const char *from, size_t len)
{
	len = min_t(size_t, len, REX_MSG_LEN);
	memcpy(to, from, len);
	return len;
}

static void copy_trace(struct rex_record *rec, const struct rex_trace *trace)
{
	unsigned int i;

	rec->nr_frames = trace->nr;
	memcpy(rec->frames, trace->entries, trace->nr * sizeof(rec->frames[0]));
	for (i = 0; i < trace->nr; i++) {
		rec->names[i][0] = '\0';
		if (!core_kernel_text(trace->entries[i]))
			rex_trace_name(trace, i, rec->names[i], REX_FRAME_LEN);
	}
}

static void fill_record(struct rex_record *rec, const struct rex_frame *frame,
			const struct rex_exit_info *info, u64 stack_used, u64 count)
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
	rec->count = count;
	rec->retval = frame->func->verdict;
	rec->line = info->line;
	rec->column = info->column;
	rec->nr_released = frame->nr_released;
	memcpy(rec->released, frame->released, sizeof(rec->released));
	rec->file_len = copy_text(rec->file, info->file, info->file_len);
	rec->msg_len = copy_text(rec->msg, info->msg, info->msg_len);
	copy_trace(rec, &frame->trace);
}

/* The slot with the oldest record, or one that was never used; -1 if all are being written to. */
static int oldest_slot(u64 *word)
{
	int i, oldest = -1;

	for (i = 0; i < REX_NR_RECORDS; i++) {
		u64 found = atomic64_read(&rex_slots[i]);

		if (found & SLOT_BUSY || (oldest >= 0 && found >= *word))
			continue;
		oldest = i;
		*word = found;
	}
	return oldest;
}

static int claim_slot(void)
{
	u64 word = 0;
	int slot;

	/* Who fails was overtaken by another writer, which has its slot now. */
	do {
		slot = oldest_slot(&word);
	} while (slot >= 0 &&
		 atomic64_cmpxchg(&rex_slots[slot], word, SLOT_CLAIMED) != word);
	return slot;
}

/**
 * rex_record_exit() - keep a record of an exit
 * @frame: of the program, still in use, its trace saved
 * @info: why it ended
 * @stack_used: bytes of its stack at the exit
 * @count: how often this program has ended abnormally, now included
 *
 * Context: any.
 */
void rex_record_exit(const struct rex_frame *frame, const struct rex_exit_info *info,
		     u64 stack_used, u64 count)
{
	int slot = claim_slot();
	u64 seq;

	if (slot < 0) {
		atomic64_inc(&rex_stats.lost_records);
		return;
	}
	seq = atomic64_inc_return(&rex_last_seq);
	/* A full barrier: a reader that sees what is written next sees this too. */
	atomic64_xchg(&rex_slots[slot], seq | SLOT_BUSY);
	fill_record(&rex_records[slot], frame, info, stack_used, count);
	atomic64_set_release(&rex_slots[slot], seq);
}

/**
 * rex_escape() - write text as in C: a backslash and what is not printable ASCII escaped
 * @m: to write to
 * @text: may hold any bytes
 * @len: of it
 */
void rex_escape(struct seq_file *m, const char *text, size_t len)
{
	seq_escape_mem(m, text, len, ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL | ESCAPE_NAP |
		       ESCAPE_APPEND, "\\");
}

static void show_text(struct seq_file *m, const char *key, const char *text, size_t len)
{
	seq_printf(m, "%s ", key);
	rex_escape(m, text, len);
	seq_putc(m, '\n');
}

static void show_record(struct seq_file *m, const struct rex_record *rec, u64 seq)
{
	unsigned int i;

	seq_printf(m, "exit %llu\nprog_id %u\n", seq, rec->prog_id);
	show_text(m, "prog", rec->prog, strlen(rec->prog));
	show_text(m, "object", rec->object, strlen(rec->object));
	seq_printf(m, "reason %s\ncpu %d\nlevel %s\npid %d\n", rex_reason_name(rec->reason),
		   rec->cpu, level_name(rec->level), rec->pid);
	show_text(m, "comm", rec->comm, strlen(rec->comm));
	seq_printf(m, "at_ns %llu\nduration_ns %llu\nstack_used %llu\ncount %llu\nretval %u\n",
		   rec->at_ns, rec->duration_ns, rec->stack_used, rec->count, rec->retval);
	seq_puts(m, "location ");
	rex_escape(m, rec->file, rec->file_len);
	seq_printf(m, ":%u:%u\n", rec->line, rec->column);
	show_text(m, "message", rec->msg, rec->msg_len);
	seq_printf(m, "released %u", rec->nr_released);
	for (i = 0; i < rec->nr_released; i++)
		seq_printf(m, " %s", rex_resource_name(rec->released[i]));
	seq_putc(m, '\n');
	for (i = 0; i < rec->nr_frames; i++) {
		if (rec->names[i][0])
			seq_printf(m, "frame %#lx %s\n", rec->frames[i], rec->names[i]);
		else
			seq_printf(m, "frame %#lx %pB\n", rec->frames[i], (void *)rec->frames[i]);
	}
	seq_puts(m, "end\n");
}

/*
 * The slot of the first record from @seq on; -1 if there is none, or one that
 * may come before it is still being written.
 */
static int next_slot(u64 seq, u64 *found)
{
	int i, next = -1;

	*found = U64_MAX;
	for (i = 0; i < REX_NR_RECORDS; i++) {
		u64 word = atomic64_read_acquire(&rex_slots[i]);
		u64 number = word & ~SLOT_CLAIMED;

		/* In the two instructions until it has its number it may get any. */
		if (word == SLOT_CLAIMED)
			number = seq;
		if (!number || number < seq || number >= *found)
			continue;
		*found = number;
		next = word & SLOT_BUSY ? -1 : i;
	}
	return next;
}

/* What one reader sees. */
struct rex_reader {
	u64 since;		/* only records behind this one */
	u64 last;		/* and none behind this one */
	u64 seq;		/* number of @rec */
	struct rex_record rec;
};

/*
 * The first record from *@pos on, of those that the reader wants. Those behind one that is
 * still being written are left for the next time, so that who asks for what is new misses none.
 */
static void *find_record(struct rex_reader *reader, loff_t *pos)
{
	u64 seq = max_t(u64, *pos, reader->since + 1);
	int slot;

	while ((slot = next_slot(seq, &reader->seq)) >= 0 && reader->seq <= reader->last) {
		reader->rec = rex_records[slot];
		/* Pairs with the xchg of a writer that has taken the slot meanwhile. */
		smp_rmb();
		if (atomic64_read(&rex_slots[slot]) == reader->seq) {
			*pos = reader->seq;
			return reader;
		}
	}
	return NULL;
}

/* A position is the number of a record, or 0. */
static void *records_start(struct seq_file *m, loff_t *pos)
{
	struct rex_reader *reader = m->private;

	/* What comes while this goes on is left too: it may come faster than it is read. */
	if (*pos == 0)
		reader->last = atomic64_read(&rex_last_seq);
	return find_record(reader, pos);
}

static void *records_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return find_record(v, pos);
}

static void records_stop(struct seq_file *m, void *v)
{
}

static int records_show(struct seq_file *m, void *v)
{
	struct rex_reader *reader = v;

	show_record(m, &reader->rec, reader->seq);
	return 0;
}

static const struct seq_operations records_ops = {
	.start	= records_start,
	.next	= records_next,
	.stop	= records_stop,
	.show	= records_show,
};

static int records_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &records_ops, sizeof(struct rex_reader));
}

/* A number: what is read from this open file is behind the record of that number. */
static ssize_t records_write(struct file *file, const char __user *text, size_t len, loff_t *pos)
{
	struct seq_file *m = file->private_data;
	struct rex_reader *reader = m->private;
	u64 since;
	int ret;

	ret = kstrtou64_from_user(text, len, 0, &since);
	if (ret)
		return ret;
	if (since == U64_MAX)
		return -ERANGE;
	mutex_lock(&m->lock);
	reader->since = since;
	mutex_unlock(&m->lock);
	return len;
}

/* The exit records, oldest first. */
const struct file_operations rex_records_fops = {
	.owner		= THIS_MODULE,
	.open		= records_open,
	.read		= seq_read,
	.write		= records_write,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};
