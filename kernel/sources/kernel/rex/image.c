// SPDX-License-Identifier: GPL-2.0-only
/*
 * The object in kernel memory.
 *
 * One allocation holds the segments at the distances that the linker chose
 * (code reaches data relative to rip), and behind them the thunks: of programs,
 * and in an object that is measured of imports:
 *
 *	base                                               base + size
 *	| R: rodata, dynsym | RX: text | RW, RELRO: .got | RW: .data |  thunks  |
 *	|        RO         |    ROX   |  RO once sealed |     RW    |    ROX   |
 *
 * Everything is written while all of it is RW and NX; rex_image_seal() then
 * gives each page its final right. No page is ever writable and executable.
 */
#include <linux/execmem.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "rex.h"

#define INT3	0xcc

/* An entry of PT_DYNAMIC. */
struct dynamic_entry {
	s64 tag;
	u64 value;
};

/* The entries that the loader uses, as addresses and bytes. */
struct dynamic {
	u64 rela, rela_size, rela_entry;
	u64 symtab, strtab, strtab_size, hash;
};

/* From the first executable segment to the last; what is between can't run. */
static void find_text(struct rex_image *image, const struct rex_elf *elf)
{
	unsigned int i;

	image->text = image->size;
	image->text_end = 0;
	for (i = 0; i < elf->nr_seg; i++) {
		const struct rex_segment *seg = &elf->seg[i];

		if (!(seg->flags & PF_X))
			continue;
		image->text = min(image->text, PAGE_ALIGN_DOWN(seg->vaddr));
		image->text_end = max(image->text_end, PAGE_ALIGN(seg->vaddr + seg->memsz));
	}
}

/**
 * rex_image_alloc() - allocate an image and copy the segments into it
 * @image: filled in
 * @elf: validated view
 * @nr_thunks: how many programs need one
 * @log: says why
 *
 * Return: 0 or -ENOMEM.
 */
int rex_image_alloc(struct rex_image *image, const struct rex_elf *elf, unsigned int nr_thunks,
		    struct rex_log *log)
{
	unsigned int i;

	image->size = elf->image_size;
	image->thunks = elf->image_size;
	image->calls = image->thunks + (u64)nr_thunks * REX_THUNK_SIZE;
	image->measured = READ_ONCE(rex_stack_paint);
	if (image->measured)
		nr_thunks += rex_export_count();
	image->total = elf->image_size + PAGE_ALIGN((u64)nr_thunks * REX_THUNK_SIZE);
	image->base = execmem_alloc(EXECMEM_BPF, image->total);
	if (!image->base)
		return rex_refuse(log, -ENOMEM, "object: no memory for an image of %llu bytes",
				  image->total);
	set_vm_flush_reset_perms(image->base);

	memset(image->base, 0, image->size);
	memset(image->base + image->thunks, INT3, image->total - image->thunks);
	for (i = 0; i < elf->nr_seg; i++) {
		const struct rex_segment *seg = &elf->seg[i];
		u64 start = PAGE_ALIGN_DOWN(seg->vaddr);

		if (seg->flags & PF_X)
			memset(image->base + start, INT3,
			       PAGE_ALIGN(seg->vaddr + seg->memsz) - start);
		memcpy(image->base + seg->vaddr, elf->data + seg->offset, seg->filesz);
	}
	find_text(image, elf);
	return 0;
}

static int read_dynamic(struct dynamic *dyn, const struct rex_image *image,
			const struct rex_elf *elf, struct rex_log *log)
{
	const struct dynamic_entry *d = image->base + elf->dynamic.addr;
	const struct dynamic_entry *end = d + elf->dynamic.size / sizeof(*d);

	*dyn = (struct dynamic){};
	for (; d < end && d->tag != DT_NULL; d++) {
		switch (d->tag) {
		case DT_RELA:
			dyn->rela = d->value;
			break;
		case DT_RELASZ:
			dyn->rela_size = d->value;
			break;
		case DT_RELAENT:
			dyn->rela_entry = d->value;
			break;
		case DT_SYMTAB:
			dyn->symtab = d->value;
			break;
		case DT_STRTAB:
			dyn->strtab = d->value;
			break;
		case DT_STRSZ:
			dyn->strtab_size = d->value;
			break;
		case DT_HASH:
			dyn->hash = d->value;
			break;
		case DT_REL:
		case DT_JMPREL:
		case DT_TEXTREL:
		case DT_INIT:
		case DT_FINI:
			return rex_refuse(log, -ENOEXEC,
					  "PT_DYNAMIC: tag %lld is not supported",
					  d->tag);
		default:
			break;
		}
	}
	return 0;
}

static int check_dynamic(struct dynamic *dyn, const struct rex_elf *elf, struct rex_log *log)
{
	const u64 entry = sizeof(struct elf64_rela);

	if (!dyn->rela_size)
		return 0;
	if (dyn->rela_entry != entry || dyn->rela_size % entry || dyn->rela % sizeof(u64) ||
	    !rex_elf_segment(elf, dyn->rela, dyn->rela_size))
		return rex_refuse(log, -ENOEXEC, "PT_DYNAMIC: malformed relocation table");
	if (dyn->rela_size / entry > REX_MAX_RELOCS)
		return rex_refuse(log, -E2BIG, "object: %llu relocations, at most %u are allowed",
				  dyn->rela_size / entry, REX_MAX_RELOCS);
	if (dyn->symtab % sizeof(u64) ||
	    !rex_elf_segment(elf, dyn->symtab, sizeof(struct elf64_sym)))
		return rex_refuse(log, -ENOEXEC, "PT_DYNAMIC: symbol table outside the image");
	if (!dyn->strtab_size || !rex_elf_segment(elf, dyn->strtab, dyn->strtab_size))
		return rex_refuse(log, -ENOEXEC, "PT_DYNAMIC: string table outside the image");
	return 0;
}

/* The thunk through which a measured object calls an import. */
static u64 measured_call(const struct rex_image *image, unsigned int index, u64 helper)
{
	void *thunk = image->base + image->calls + (u64)index * REX_THUNK_SIZE;

	rex_thunk_write(thunk, REX_THUNK_R11, helper, rex_measure);
	return (u64)thunk;
}

/* Finds the address that a dynamic symbol stands for. */
static int resolve(u64 *value, u32 index, const struct dynamic *dyn, const struct rex_image *image,
		   const struct rex_elf *elf, struct rex_log *log)
{
	u64 at = dyn->symtab + (u64)index * sizeof(struct elf64_sym);
	const struct elf64_sym *sym = image->base + at;
	const char *strtab = image->base + dyn->strtab;
	const char *name, *why_not;
	int measured;

	if (!rex_elf_segment(elf, at, sizeof(*sym)))
		return rex_refuse(log, -ENOEXEC, "relocation: symbol %u is outside the image",
				  index);
	if (sym->st_name >= dyn->strtab_size ||
	    !memchr(strtab + sym->st_name, 0, dyn->strtab_size - sym->st_name))
		return rex_refuse(log, -ENOEXEC, "relocation: symbol %u has no valid name", index);
	name = strtab + sym->st_name;

	if (sym->st_shndx != SHN_UNDEF) {
		if (!rex_elf_segment(elf, sym->st_value, 1))
			return rex_refuse(log, -ENOEXEC,
					  "relocation: symbol %.64s is outside the image", name);
		*value = (u64)image->base + sym->st_value;
		return 0;
	}
	*value = rex_export_find(name, &measured, &why_not);
	if (!*value)
		return rex_refuse(log, -EACCES, "import %.64s: %s", name, why_not);
	if (image->measured && measured >= 0)
		*value = measured_call(image, measured, *value);
	return 0;
}

static int relocate_one(const struct elf64_rela *rela, unsigned int i, const struct dynamic *dyn,
			struct rex_image *image, const struct rex_elf *elf, struct rex_log *log)
{
	const struct rex_segment *seg = rex_elf_segment(elf, rela->r_offset, sizeof(u64));
	u64 value;
	int err;

	if (!seg || !(seg->flags & PF_W))
		return rex_refuse(log, -EPERM,
				  "relocation %u: address %#llx is not in a writable segment", i,
				  rela->r_offset);

	switch (ELF64_R_TYPE(rela->r_info)) {
	case R_X86_64_RELATIVE:
		if (!rex_elf_segment(elf, rela->r_addend, 1))
			return rex_refuse(log, -EPERM,
					  "relocation %u: points to %#llx, outside the image", i,
					  rela->r_addend);
		value = (u64)image->base + rela->r_addend;
		break;
	case R_X86_64_GLOB_DAT:
	case R_X86_64_64:
		if (rela->r_addend)
			return rex_refuse(log, -EPERM, "relocation %u: a symbol with an addend",
					  i);
		err = resolve(&value, ELF64_R_SYM(rela->r_info), dyn, image, elf, log);
		if (err)
			return err;
		break;
	default:
		return rex_refuse(log, -ENOEXEC, "relocation %u: type %llu is not supported", i,
				  ELF64_R_TYPE(rela->r_info));
	}
	memcpy(image->base + rela->r_offset, &value, sizeof(value));
	return 0;
}

/**
 * rex_image_relocate() - apply the relocations of an object
 * @image: still writable
 * @elf: validated view
 * @log: says why
 *
 * The tables are read from the image that is being written: the segment that
 * holds one must be read-only, so that no relocation can change another one.
 *
 * Return: 0, or -ENOEXEC (malformed), -EPERM (a target that is not allowed),
 * -EACCES (an import that is not allowed), -E2BIG.
 */
int rex_image_relocate(struct rex_image *image, const struct rex_elf *elf, struct rex_log *log)
{
	const struct rex_segment *seg;
	const struct elf64_rela *rela;
	struct dynamic dyn;
	unsigned int i, count;
	int err;

	err = read_dynamic(&dyn, image, elf, log);
	if (!err)
		err = check_dynamic(&dyn, elf, log);
	if (err || !dyn.rela_size)
		return err;

	seg = rex_elf_segment(elf, dyn.rela, dyn.rela_size);
	if (seg->flags & PF_W)
		return rex_refuse(log, -EPERM, "PT_DYNAMIC: relocation table is writable");
	seg = rex_elf_segment(elf, dyn.strtab, dyn.strtab_size);
	if (seg->flags & PF_W)
		return rex_refuse(log, -EPERM, "PT_DYNAMIC: string table is writable");

	rela = image->base + dyn.rela;
	count = dyn.rela_size / sizeof(*rela);
	for (i = 0; i < count; i++) {
		err = relocate_one(&rela[i], i, &dyn, image, elf, log);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static int protect(void *addr, u64 size, bool exec)
{
	int pages = PFN_UP(size);

	if (!pages)
		return 0;
	return exec ? set_memory_rox((unsigned long)addr, pages) :
		      set_memory_ro((unsigned long)addr, pages);
}

/**
 * rex_image_seal() - give every page its final right
 * @image: complete
 * @elf: validated view
 *
 * Return: 0, or the errno of the page-attribute code.
 */
int rex_image_seal(struct rex_image *image, const struct rex_elf *elf)
{
	unsigned int i;
	int err;

	for (i = 0; i < elf->nr_seg; i++) {
		const struct rex_segment *seg = &elf->seg[i];
		u64 start = PAGE_ALIGN_DOWN(seg->vaddr);

		if (seg->flags & PF_W)
			continue;
		err = protect(image->base + start, seg->vaddr + seg->memsz - start,
			      seg->flags & PF_X);
		if (err)
			return err;
	}
	/* A last page that RELRO covers only partly holds .data too: leave it. */
	err = protect(image->base + elf->relro.addr, PAGE_ALIGN_DOWN(elf->relro.size), false);
	if (err)
		return err;
	return protect(image->base + image->thunks, image->total - image->thunks, true);
}

/**
 * rex_image_free() - free an image that nothing refers to any more
 * @image: may be one that was never allocated
 *
 * Context: process.
 */
void rex_image_free(struct rex_image *image)
{
	execmem_free(image->base);
	image->base = NULL;
}
