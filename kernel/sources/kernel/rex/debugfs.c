// SPDX-License-Identifier: GPL-2.0-only
/*
 * <debugfs>/rex: exits (the last exit records), programs (what each has done so
 * far, see usage.c) and stats (counters).
 *
 * exits and programs are sequences of blocks, oldest first. A line is a key, a blank, and
 * the value up to the end of the line; in text a backslash and every byte that
 * is not printable ASCII are escaped as in C (\\ \n \t \ooo)::
 *
 *	exit 17			sequence number, from 1
 *	prog_id 3
 *	...
 *	released 2 ringbuf task		what it held, in the order of release
 *	frame 0xffffffffc0001234 hello::prog+0x24/0x60	innermost first
 *	end
 *
 * Who has written a number to its open file of exits reads what came behind the exit of that
 * number.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "rex.h"

struct rex_stats rex_stats;

static int programs_show(struct seq_file *m, void *unused)
{
	rex_usage_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(programs);

static int stats_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "loads %lld\n", atomic64_read(&rex_stats.loads));
	seq_printf(m, "refusals %lld\n", atomic64_read(&rex_stats.refusals));
	seq_printf(m, "objects %lld\n", atomic64_read(&rex_stats.objects));
	seq_printf(m, "programs %lld\n", atomic64_read(&rex_stats.programs));
	seq_printf(m, "exits %lld\n", atomic64_read(&rex_stats.exits));
	seq_printf(m, "misses %lld\n", atomic64_read(&rex_stats.misses));
	seq_printf(m, "stopped_runs %lld\n", atomic64_read(&rex_stats.stopped_runs));
	seq_printf(m, "unbalanced %lld\n", atomic64_read(&rex_stats.unbalanced));
	seq_printf(m, "lost_records %lld\n", atomic64_read(&rex_stats.lost_records));
	seq_printf(m, "unreleased %lld\n", atomic64_read(&rex_stats.unreleased));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int __init rex_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("rex", NULL);

	debugfs_create_file("exits", 0600, dir, NULL, &rex_records_fops);
	debugfs_create_file("programs", 0400, dir, NULL, &programs_fops);
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
	return 0;
}
late_initcall(rex_debugfs_init);
