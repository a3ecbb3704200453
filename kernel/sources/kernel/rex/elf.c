// SPDX-License-Identifier: GPL-2.0-only
/*
 * A validated view of an object file.
 *
 * The file is a kernel copy of bytes that user space chose; nothing in it is
 * believed. What rex_elf_parse() accepts has these properties, and the rest of
 * the loader relies on them:
 *
 *  - every table and section recorded in struct rex_elf lies inside the file,
 *  - PT_LOAD segments ascend, are R, RX or RW, share no page, and end below
 *    REX_MAX_IMAGE_SIZE; addresses start at 0,
 *  - allocated sections and PT_DYNAMIC lie inside one segment each, RELRO
 *    inside a writable one,
 *  - .strtab ends with a NUL, so that every name inside it is terminated.
 */
#include <linux/mm.h>
#include <linux/string.h>

#include "rex.h"

static bool fits(u64 total, u64 offset, u64 len)
{
	return offset <= total && len <= total - offset;
}

static int check_header(struct rex_elf *elf, struct rex_log *log)
{
	const struct elf64_hdr *eh = (const void *)elf->data;

	if (elf->size < sizeof(*eh))
		return rex_refuse(log, -ENOEXEC,
				  "object: %u bytes are too few for an ELF header", elf->size);
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return rex_refuse(log, -ENOEXEC, "object: not an ELF file (no magic at offset 0)");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_ident[EI_VERSION] != EV_CURRENT)
		return rex_refuse(log, -ENOEXEC, "object: not a little-endian ELF64 file");
	if (eh->e_machine != EM_X86_64)
		return rex_refuse(log, -ENOEXEC, "object: e_machine is %u, expected %u (x86-64)",
				  eh->e_machine, EM_X86_64);
	if (eh->e_type != ET_DYN)
		return rex_refuse(log, -ENOEXEC, "object: e_type is %u, expected %u (PIE)",
				  eh->e_type, ET_DYN);
	if (eh->e_phentsize != sizeof(struct elf64_phdr) ||
	    eh->e_shentsize != sizeof(struct elf64_shdr))
		return rex_refuse(log, -ENOEXEC,
				  "object: header entry sizes are %u and %u, expected %zu and %zu",
				  eh->e_phentsize, eh->e_shentsize, sizeof(struct elf64_phdr),
				  sizeof(struct elf64_shdr));
	if (eh->e_phoff % sizeof(u64) || eh->e_shoff % sizeof(u64))
		return rex_refuse(log, -ENOEXEC, "object: header tables are not 8-byte aligned");
	if (!fits(elf->size, eh->e_phoff, (u64)eh->e_phnum * sizeof(struct elf64_phdr)))
		return rex_refuse(log, -ENOEXEC, "object: program headers exceed the file");
	if (!fits(elf->size, eh->e_shoff, (u64)eh->e_shnum * sizeof(struct elf64_shdr)))
		return rex_refuse(log, -ENOEXEC, "object: section headers exceed the file");
	if (eh->e_shnum > REX_MAX_SECTIONS)
		return rex_refuse(log, -E2BIG, "object: %u sections, at most %u are allowed",
				  eh->e_shnum, REX_MAX_SECTIONS);
	if (eh->e_shstrndx >= eh->e_shnum)
		return rex_refuse(log, -ENOEXEC, "object: e_shstrndx %u names no section",
				  eh->e_shstrndx);
	elf->eh = eh;
	elf->sh = (const void *)(elf->data + eh->e_shoff);
	return 0;
}

static int add_segment(struct rex_elf *elf, const struct elf64_phdr *ph, unsigned int i,
		       struct rex_log *log)
{
	u32 flags = ph->p_flags;

	if (elf->nr_seg == REX_MAX_SEGMENTS)
		return rex_refuse(log, -E2BIG, "segment %u: at most %u are allowed", i,
				  REX_MAX_SEGMENTS);
	if ((flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return rex_refuse(log, -EPERM, "segment %u: writable and executable", i);
	if (flags != PF_R && flags != (PF_R | PF_X) && flags != (PF_R | PF_W))
		return rex_refuse(log, -ENOEXEC, "segment %u: flags %#x are not R, RX or RW", i,
				  flags);
	if (ph->p_filesz > ph->p_memsz || !ph->p_memsz)
		return rex_refuse(log, -ENOEXEC,
				  "segment %u: %llu bytes in the file, %llu in memory", i,
				  ph->p_filesz, ph->p_memsz);
	if (!fits(elf->size, ph->p_offset, ph->p_filesz))
		return rex_refuse(log, -ENOEXEC, "segment %u: exceeds the file", i);
	if (!fits(REX_MAX_IMAGE_SIZE, ph->p_vaddr, ph->p_memsz))
		return rex_refuse(log, -E2BIG, "segment %u: ends beyond the limit of %u bytes", i,
				  REX_MAX_IMAGE_SIZE);
	if (elf->nr_seg && PAGE_ALIGN_DOWN(ph->p_vaddr) < elf->image_size)
		return rex_refuse(log, -ENOEXEC,
				  "segment %u: shares a page with the one before, or is out of order",
				  i);

	elf->seg[elf->nr_seg++] = (struct rex_segment) {
		.vaddr = ph->p_vaddr,
		.memsz = ph->p_memsz,
		.offset = ph->p_offset,
		.filesz = ph->p_filesz,
		.flags = flags,
	};
	elf->image_size = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	return 0;
}

static int check_segments(struct rex_elf *elf, struct rex_log *log)
{
	const struct elf64_phdr *ph = (const void *)(elf->data + elf->eh->e_phoff);
	unsigned int i;
	int err;

	for (i = 0; i < elf->eh->e_phnum; i++, ph++) {
		struct rex_section range = {
			.addr = ph->p_vaddr, .offset = ph->p_offset, .size = ph->p_memsz,
		};

		switch (ph->p_type) {
		case PT_LOAD:
			err = add_segment(elf, ph, i, log);
			if (err)
				return err;
			break;
		case PT_DYNAMIC:
			if (elf->dynamic.size)
				return rex_refuse(log, -ENOEXEC, "segment %u: a second PT_DYNAMIC",
						  i);
			elf->dynamic = range;
			break;
		case PT_GNU_RELRO:
			if (elf->relro.size)
				return rex_refuse(log, -ENOEXEC,
						  "segment %u: a second PT_GNU_RELRO", i);
			elf->relro = range;
			break;
		case PT_INTERP:
		case PT_TLS:
			return rex_refuse(log, -ENOEXEC,
					  "segment %u: type %u has no meaning in the kernel", i,
					  ph->p_type);
		default:
			break;
		}
	}
	if (!elf->nr_seg)
		return rex_refuse(log, -ENOEXEC, "object: nothing to load (no PT_LOAD)");
	return 0;
}

/**
 * rex_elf_segment() - the segment that a range of addresses lies in
 * @elf: validated view
 * @vaddr: address in the object
 * @len: bytes, at least 1 for an address to be inside
 *
 * Return: the segment, or NULL when no single segment holds the range.
 */
const struct rex_segment *rex_elf_segment(const struct rex_elf *elf, u64 vaddr, u64 len)
{
	unsigned int i;

	for (i = 0; i < elf->nr_seg; i++) {
		const struct rex_segment *seg = &elf->seg[i];

		if (vaddr >= seg->vaddr && fits(seg->memsz, vaddr - seg->vaddr, len))
			return seg;
	}
	return NULL;
}

static int check_ranges(struct rex_elf *elf, struct rex_log *log)
{
	const struct rex_segment *seg;

	if (!elf->dynamic.size)
		return rex_refuse(log, -ENOEXEC, "object: no PT_DYNAMIC");
	if (elf->dynamic.addr % sizeof(u64) ||
	    !rex_elf_segment(elf, elf->dynamic.addr, elf->dynamic.size))
		return rex_refuse(log, -ENOEXEC, "PT_DYNAMIC: not inside a segment");
	if (!elf->relro.size)
		return 0;
	seg = rex_elf_segment(elf, elf->relro.addr, 1);
	if (!seg || !(seg->flags & PF_W) || !PAGE_ALIGNED(elf->relro.addr) ||
	    !fits(PAGE_ALIGN(seg->vaddr + seg->memsz), elf->relro.addr, elf->relro.size))
		return rex_refuse(log, -ENOEXEC,
				  "PT_GNU_RELRO: not page-aligned inside a writable segment");
	return 0;
}

/* Returns the name of a section, or NULL when it is not inside .shstrtab. */
static const char *section_name(const struct rex_elf *elf, const struct elf64_shdr *sh)
{
	const struct elf64_shdr *str = &elf->sh[elf->eh->e_shstrndx];
	const char *names = (const char *)elf->data + str->sh_offset;

	if (str->sh_type != SHT_STRTAB || !fits(elf->size, str->sh_offset, str->sh_size))
		return NULL;
	if (sh->sh_name >= str->sh_size)
		return NULL;
	if (!memchr(names + sh->sh_name, 0, str->sh_size - sh->sh_name))
		return NULL;
	return names + sh->sh_name;
}

static int take_section(struct rex_elf *elf, const struct elf64_shdr *sh, struct rex_section *to,
			const char *name, bool allocated, struct rex_log *log)
{
	if (to->size)
		return rex_refuse(log, -ENOEXEC, "section %s: appears twice", name);
	if (!sh->sh_size)
		return 0;
	if (sh->sh_type == SHT_NOBITS || !fits(elf->size, sh->sh_offset, sh->sh_size))
		return rex_refuse(log, -ENOEXEC, "section %s: exceeds the file", name);
	if (allocated && (!(sh->sh_flags & SHF_ALLOC) || sh->sh_addr % sizeof(u64) ||
			  !rex_elf_segment(elf, sh->sh_addr, sh->sh_size)))
		return rex_refuse(log, -ENOEXEC, "section %s: not aligned inside a segment", name);
	*to = (struct rex_section){
		.addr = sh->sh_addr, .offset = sh->sh_offset, .size = sh->sh_size,
	};
	return 0;
}

static int find_sections(struct rex_elf *elf, struct rex_log *log)
{
	struct {
		const char *name;
		struct rex_section *to;
		bool allocated;
	} wanted[] = {
		{ REX_SEC_PROGS, &elf->progs, true },
		{ REX_SEC_MAPS, &elf->maps, true },
		{ ".symtab", &elf->symtab, false },
		{ ".strtab", &elf->strtab, false },
	};
	unsigned int i, w;
	int err;

	for (i = 0; i < elf->eh->e_shnum; i++) {
		const char *name = section_name(elf, &elf->sh[i]);

		if (!name)
			return rex_refuse(log, -ENOEXEC, "section %u: has no valid name", i);
		for (w = 0; w < ARRAY_SIZE(wanted); w++) {
			if (strcmp(name, wanted[w].name))
				continue;
			err = take_section(elf, &elf->sh[i], wanted[w].to, wanted[w].name,
					   wanted[w].allocated, log);
			if (err)
				return err;
		}
	}
	return 0;
}

static int check_programs(struct rex_elf *elf, struct rex_log *log)
{
	if (elf->progs.size % sizeof(struct rex_prog_desc))
		return rex_refuse(log, -ENOEXEC, "section %s: size %llu is not a multiple of %zu",
				  REX_SEC_PROGS, elf->progs.size, sizeof(struct rex_prog_desc));
	if (!elf->progs.size)
		return rex_refuse(log, -ENOEXEC, "object: no programs (section %s is missing)",
				  REX_SEC_PROGS);
	if (rex_elf_nr_progs(elf) > REX_MAX_PROGS)
		return rex_refuse(log, -E2BIG, "object: %u programs, at most %u are allowed",
				  rex_elf_nr_progs(elf), REX_MAX_PROGS);
	return 0;
}

static int check_symbols(struct rex_elf *elf, struct rex_log *log)
{
	if (!elf->symtab.size || !elf->strtab.size)
		return rex_refuse(log, -ENOEXEC, "object: stripped (no .symtab or .strtab)");
	if (elf->symtab.offset % sizeof(u64) || elf->symtab.size % sizeof(struct elf64_sym))
		return rex_refuse(log, -ENOEXEC, "section .symtab: misaligned or of odd size");
	if (elf->symtab.size / sizeof(struct elf64_sym) > REX_MAX_SYMBOLS)
		return rex_refuse(log, -E2BIG,
				  "section .symtab: %llu symbols, at most %u are allowed",
				  elf->symtab.size / sizeof(struct elf64_sym), REX_MAX_SYMBOLS);
	if (elf->data[elf->strtab.offset + elf->strtab.size - 1])
		return rex_refuse(log, -ENOEXEC, "section .strtab: not NUL-terminated");
	return 0;
}

/**
 * rex_elf_parse() - validate an object file
 * @elf: filled in; refers to @data
 * @data: kernel copy of the file, 8-byte aligned
 * @size: bytes
 * @log: says why a file is refused
 *
 * Return: 0, or -ENOEXEC (malformed), -E2BIG (a limit), -EPERM (W and X).
 */
int rex_elf_parse(struct rex_elf *elf, const void *data, u32 size, struct rex_log *log)
{
	int err;

	*elf = (struct rex_elf){ .data = data, .size = size };

	err = check_header(elf, log);
	if (!err)
		err = check_segments(elf, log);
	if (!err)
		err = check_ranges(elf, log);
	if (!err)
		err = find_sections(elf, log);
	if (!err)
		err = check_programs(elf, log);
	if (!err)
		err = check_symbols(elf, log);
	return err;
}

/**
 * rex_elf_symbols() - the symbol table
 * @elf: validated view
 * @count: set to the number of symbols, at most REX_MAX_SYMBOLS
 *
 * Return: the first symbol.
 */
const struct elf64_sym *rex_elf_symbols(const struct rex_elf *elf, unsigned int *count)
{
	*count = elf->symtab.size / sizeof(struct elf64_sym);
	return (const void *)(elf->data + elf->symtab.offset);
}

/**
 * rex_elf_symbol_name() - name of a symbol
 * @elf: validated view
 * @sym: a symbol of it
 *
 * Return: the NUL-terminated name, or NULL when it is not inside .strtab.
 */
const char *rex_elf_symbol_name(const struct rex_elf *elf, const struct elf64_sym *sym)
{
	if (sym->st_name >= elf->strtab.size)
		return NULL;
	return (const char *)elf->data + elf->strtab.offset + sym->st_name;
}

/**
 * rex_elf_is_function() - is this address the start of a function?
 * @elf: validated view
 * @vaddr: address in the object
 *
 * Return: true for the start of an STT_FUNC symbol in an executable segment.
 */
bool rex_elf_is_function(const struct rex_elf *elf, u64 vaddr)
{
	const struct rex_segment *seg = rex_elf_segment(elf, vaddr, 1);
	const struct elf64_sym *sym;
	unsigned int count;

	if (!seg || !(seg->flags & PF_X))
		return false;
	for (sym = rex_elf_symbols(elf, &count); count; count--, sym++) {
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_value == vaddr)
			return true;
	}
	return false;
}
