// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of a load: every refusal is an errno plus one sentence that says
 * what is wrong, where, and what was expected.
 */
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rex.h"

/**
 * rex_log_init() - prepare the log of one load
 * @log: to initialise
 * @ubuf: where user space wants the text, or NULL
 * @size: of @ubuf in bytes
 *
 * Return: 0, -EINVAL (only one of buffer and size given), -E2BIG or -ENOMEM.
 */
int rex_log_init(struct rex_log *log, char __user *ubuf, u32 size)
{
	*log = (struct rex_log){ .ubuf = ubuf, .size = size };

	if (!ubuf != !size)
		return -EINVAL;
	if (size > REX_MAX_LOG_SIZE)
		return -E2BIG;
	if (!size)
		return 0;
	log->kbuf = kvzalloc(size, GFP_KERNEL);
	return log->kbuf ? 0 : -ENOMEM;
}

/**
 * rex_refuse() - append a sentence to the log
 * @log: of this load
 * @err: the errno that goes with it
 * @fmt: the sentence, without newline
 *
 * Return: @err, so that a check can end with ``return rex_refuse(...)``.
 */
int rex_refuse(struct rex_log *log, int err, const char *fmt, ...)
{
	va_list args;

	if (!log->size)
		return err;

	va_start(args, fmt);
	log->len += vscnprintf(log->kbuf + log->len, log->size - log->len, fmt, args);
	va_end(args);
	log->len += scnprintf(log->kbuf + log->len, log->size - log->len, "\n");
	return err;
}

/**
 * rex_log_finish() - hand the log to user space and free it
 * @log: of this load
 * @err: result of the load
 *
 * Return: @err, or -EFAULT when the load failed and its log can't be written.
 */
int rex_log_finish(struct rex_log *log, int err)
{
	if (log->kbuf && copy_to_user(log->ubuf, log->kbuf, log->len + 1) && err < 0)
		err = -EFAULT;
	kvfree(log->kbuf);
	log->kbuf = NULL;
	return err;
}
