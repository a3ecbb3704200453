// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of an object in kallsyms.
 *
 * Each STT_FUNC symbol becomes a bpf_ksym, which makes its address kernel text
 * for the unwinder and gives it a name in /proc/kallsyms, traces and perf. The
 * builder has demangled the names; here they are only strings: printable, no
 * blanks, bounded.
 */
#include <linux/ctype.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "rex.h"

struct rex_ksyms {
	struct rcu_head rcu;
	unsigned int count;
	struct bpf_ksym syms[] __counted_by(count);
};

static int check_function(const struct rex_elf *elf, const struct elf64_sym *sym, unsigned int i,
			  struct rex_log *log)
{
	const char *name = rex_elf_symbol_name(elf, sym);
	const struct rex_segment *seg;
	const char *c;

	if (!name || !*name)
		return rex_refuse(log, -ENOEXEC, "symbol %u: a function without a name", i);
	if (strnlen(name, REX_SYM_NAME_LEN) == REX_SYM_NAME_LEN)
		return rex_refuse(log, -ENAMETOOLONG, "symbol %u: its name exceeds %u bytes", i,
				  REX_SYM_NAME_LEN - 1);
	for (c = name; *c; c++) {
		if (!isascii(*c) || !isgraph(*c))
			return rex_refuse(log, -ENOEXEC, "symbol %u: byte %#x in its name", i,
					  (u8)*c);
	}
	seg = rex_elf_segment(elf, sym->st_value, max_t(u64, sym->st_size, 1));
	if (!seg || !(seg->flags & PF_X))
		return rex_refuse(log, -ENOEXEC, "symbol %u (%s): not in executable memory", i,
				  name);
	return 0;
}

static bool is_function(const struct elf64_sym *sym)
{
	return ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_shndx != SHN_UNDEF;
}

static int count_functions(const struct rex_elf *elf, unsigned int *count, struct rex_log *log)
{
	const struct elf64_sym *sym;
	unsigned int i, all;
	int err;

	*count = 0;
	sym = rex_elf_symbols(elf, &all);
	for (i = 0; i < all; i++) {
		if (!is_function(&sym[i]))
			continue;
		err = check_function(elf, &sym[i], i, log);
		if (err)
			return err;
		(*count)++;
	}
	return 0;
}

/**
 * rex_ksyms_add() - publish the functions of an object
 * @elf: validated view
 * @image: where it is in memory
 * @log: says why
 *
 * Return: what rex_ksyms_del() takes, or an ERR_PTR: -ENOMEM, -ENOEXEC,
 * -ENAMETOOLONG.
 */
struct rex_ksyms *rex_ksyms_add(const struct rex_elf *elf, const struct rex_image *image,
				struct rex_log *log)
{
	struct rex_ksyms *ksyms;
	const struct elf64_sym *sym;
	unsigned int i, all, count, n = 0;
	int err;

	err = count_functions(elf, &count, log);
	if (err)
		return ERR_PTR(err);
	ksyms = kvzalloc(struct_size(ksyms, syms, count), GFP_KERNEL);
	if (!ksyms)
		return ERR_PTR(-ENOMEM);
	ksyms->count = count;

	sym = rex_elf_symbols(elf, &all);
	for (i = 0; i < all; i++, sym++) {
		struct bpf_ksym *ksym;

		if (!is_function(sym))
			continue;
		ksym = &ksyms->syms[n++];
		ksym->start = (unsigned long)image->base + sym->st_value;
		ksym->end = ksym->start + max_t(u64, sym->st_size, 1);
		strscpy(ksym->name, rex_elf_symbol_name(elf, sym), sizeof(ksym->name));
		INIT_LIST_HEAD_RCU(&ksym->lnode);
		bpf_ksym_add(ksym);
	}
	return ksyms;
}

/**
 * rex_ksyms_del() - withdraw the functions of an object
 * @ksyms: from rex_ksyms_add(), or NULL
 */
void rex_ksyms_del(struct rex_ksyms *ksyms)
{
	unsigned int i;

	if (!ksyms)
		return;
	for (i = 0; i < ksyms->count; i++)
		bpf_ksym_del(&ksyms->syms[i]);
	/* Lookups walk the entries under RCU. */
	kvfree_rcu(ksyms, rcu);
}
