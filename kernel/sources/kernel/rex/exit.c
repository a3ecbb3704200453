// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one way out for a program that does not return.
 *
 * A trap, or the end of its time, redirects a program to here (redirect.c). A
 * panic arrives in two steps. rex_panic_begin() comes first, before any code
 * of the program formats the message: what the program held is released there,
 * so that a message that never ends, or panics itself, keeps nothing locked.
 * rex_panic_end() comes with the message. Both end, sooner or later, in
 * rex_exit(): record, log, landing pad.
 */
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/string_helpers.h>

#include "exports.h"
#include "rex.h"
#include "state.h"

/* A storm of exits must not flood the log; the records count them all. */
static DEFINE_RATELIMIT_STATE(rex_exit_ratelimit, 5 * HZ, 20);

/*
 * How much of a text of @len bytes goes into @max: whole characters, if it is
 * UTF-8. If it is not, which a program can't be trusted with, all @max bytes.
 */
static size_t cut_text(const char *text, size_t len, size_t max)
{
	size_t end = max, begin = max > 3 ? max - 3 : 0;

	if (len <= max)
		return len;
	/* 10xxxxxx: not the first byte of a character. */
	while (end > begin && (text[end] & 0xc0) == 0x80)
		end--;
	return (text[end] & 0xc0) == 0x80 ? max : end;
}

/* As in C; %pE would let through what Latin-1 calls printable. */
static const char *escape(char *to, size_t size, const char *text, size_t len)
{
	size_t used = string_escape_mem(text, len, to, size - 1,
					ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL | ESCAPE_NAP |
					ESCAPE_APPEND, "\\");

	to[min(used, size - 1)] = '\0';
	return to;
}

static void log_exit(struct rex_frame *frame, const struct rex_exit_info *info)
{
	const struct rex_func *func = frame->func;

	if (!__ratelimit(&rex_exit_ratelimit))
		return;
	pr_warn("program %s (id %u) of %s ended: %s: %s, %s:%u:%u\n", func->desc.name,
		frame->prog->aux->id, func->obj->name, rex_reason_name(info->reason),
		escape(frame->log_msg, sizeof(frame->log_msg), info->msg, info->msg_len),
		escape(frame->log_file, sizeof(frame->log_file), info->file, info->file_len),
		info->line, info->column);
	rex_trace_log(&frame->trace);
}

/**
 * rex_exit() - end the program of a frame
 * @frame: of this CPU and level, in use
 * @info: why
 *
 * Context: that of the program, on its stack. Does not return.
 */
void __noreturn rex_exit(struct rex_frame *frame, const struct rex_exit_info *info)
{
	u64 count = atomic64_inc_return(&rex_prog_of(frame->prog)->exits);

	rex_set_state(frame, REX_STATE_TERMINATING);
	rex_release_all(frame);
	atomic64_inc(&rex_stats.exits);
	rex_stack_seen(frame, info->stack_used);
	if (!frame->trace.nr)
		rex_trace_save(frame);
	rex_record_exit(frame, info, info->stack_used ?:
			rex_stack_used(frame, (unsigned long)__builtin_frame_address(0)),
			count);
	log_exit(frame, info);
	rex_stop_crashed(frame->func->obj);
	frame->trace.nr = 0;
	frame->trace.ip = 0;
	rex_stack_unpoison(frame);
	rex_landingpad(frame->func->verdict, frame->sp);
}

NOKPROBE_SYMBOL(rex_exit);

/**
 * rex_panic_begin() - a program has panicked
 *
 * Called first thing by the panic handler of the rex crate. Returns so that
 * the handler can format the message, except when that is what panicked.
 */
void rex_panic_begin(void)
{
	static const char msg[] = "panicked while the message of a panic was formatted";
	struct rex_frame *frame = rex_current_frame();

	if (frame->state == REX_STATE_CLEANING || frame->state == REX_STATE_REPORTING) {
		const struct rex_exit_info info = {
			.reason = REX_EXIT_NESTED_PANIC,
			.msg = msg,
			.msg_len = sizeof(msg) - 1,
			.file = "",
		};

		rex_exit(frame, &info);
	}
	rex_stack_sample(frame, (unsigned long)__builtin_frame_address(0) + sizeof(long));
	frame->mark = &frame->usage->report;
	rex_set_state(frame, REX_STATE_CLEANING);
	rex_release_all(frame);
	rex_set_state(frame, REX_STATE_REPORTING);
}

/**
 * rex_panic_end() - report a panic and leave the program
 * @msg: the message, UTF-8
 * @msg_len: bytes; more than REX_MSG_LEN - 1 are cut, between two characters
 * @file: source file of the panic, UTF-8
 * @file_len: bytes
 * @line: from 1
 * @column: from 1
 */
void __noreturn rex_panic_end(const char *msg, size_t msg_len, const char *file, size_t file_len,
			      u32 line, u32 column)
{
	const struct rex_exit_info info = {
		.reason = REX_EXIT_PANIC,
		.msg = msg,
		.msg_len = cut_text(msg, msg_len, REX_MSG_LEN - 1),
		.file = file,
		.file_len = cut_text(file, file_len, REX_MSG_LEN - 1),
		.line = line,
		.column = column,
	};

	struct rex_frame *frame = rex_current_frame();

	rex_stack_sample(frame, (unsigned long)__builtin_frame_address(0) + sizeof(long));
	rex_exit(frame, &info);
}
