// SPDX-License-Identifier: MIT
/*
 * A plugin of QEMU's translator that notes which code of the guest is translated.
 *
 * TCG translates a block (code up to the next branch) when the guest is about to
 * run it, and keeps it until its page is written to. So code that is loaded anew
 * is noted anew, and code that goes on running is noted once. That a block was
 * translated is not quite that all of it has run: an interrupt may come first, or
 * an instruction in its middle may fault. docs/decisions/fuzz-crate-coverage.md
 *
 * Arguments: fd=N, a file opened with O_APPEND that records are added to, as in
 * translated-blocks.ts; from=A and to=B, blocks elsewhere are not noted. The
 * reader may truncate the file at any time: what follows begins it anew.
 *
 * The callback runs on any thread that translates. It keeps nothing; appending to
 * a file is atomic. Machines must not be forked: they would share the file.
 *
 * The interface has no header of its own in distributions. What is declared here
 * is the same in all versions so far; PLUGIN_VERSION is that of the one at hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* Nobody has read for long: what is new is not noted until somebody does. */
#define MOST_BYTES (64L << 20)

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*translated_fn)(uint64_t id, struct qemu_plugin_tb *block);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated_fn fn);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORTED int qemu_plugin_version = PLUGIN_VERSION;
EXPORTED int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

struct record {
	uint64_t start;
	uint64_t end;
};

static int file = -1;
static uint64_t from;
static uint64_t to = UINT64_MAX;

static void note(uint64_t id, struct qemu_plugin_tb *block)
{
	size_t count = qemu_plugin_tb_n_insns(block);
	struct record record = { .start = qemu_plugin_tb_vaddr(block) };
	const struct qemu_plugin_insn *last;

	(void)id;
	if (record.start < from || record.start >= to || count == 0)
		return;
	last = qemu_plugin_tb_get_insn(block, count - 1);
	record.end = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
	if (lseek(file, 0, SEEK_END) >= MOST_BYTES)
		return;
	/* Where there is no room, what is noted is less. */
	if (write(file, &record, sizeof(record)) < 0)
		return;
}

/* Whether the argument has this name; then its number is kept. */
static int is_given(const char *argument, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	if (strncmp(argument, name, length) != 0 || argument[length] != '=')
		return 0;
	*value = strtoull(argument + length + 1, NULL, 0);
	return 1;
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		uint64_t number;

		if (is_given(argv[i], "fd", &number)) {
			file = number;
		} else if (!is_given(argv[i], "from", &from) && !is_given(argv[i], "to", &to)) {
			fprintf(stderr, "translations: unknown argument %s\n", argv[i]);
			return -EINVAL;
		}
	}
	if (fcntl(file, F_GETFD) < 0) {
		fprintf(stderr, "translations: descriptor %d: %s\n", file, strerror(errno));
		return -EINVAL;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, note);
	return 0;
}
