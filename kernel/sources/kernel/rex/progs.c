// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of an object, and the BPF programs made of them.
 *
 * The hook calls prog->bpf_func(ctx, prog->insnsi), which is a thunk of the
 * function behind the object's image, in reach of a rel32 from anywhere in
 * kernel and BPF text (XDP's dispatcher needs that). It loads the third argument
 * of rex_dispatcher_func(ctx, insnsi, func), and jumps there.
 *
 * The program is not marked as jited: that flag stands for an image of the BPF
 * JIT's own making, which bpf_jit_free() would look for.
 */
#include <linux/bpf.h>
#include <linux/ctype.h>
#include <linux/filter.h>
#include <linux/pkt_cls.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "rex.h"

#define REX_CTX_NONE	(-1)	/* no such programs */
#define REX_CTX_OPAQUE	0	/* only helpers look into it */

/* Bytes of context that a program of this type may claim to read. */
static s64 max_ctx_size(u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_KPROBE:
		return sizeof(struct pt_regs);
	case BPF_PROG_TYPE_TRACEPOINT:
		/* compared with the event's real size when it is attached */
		return PAGE_SIZE;
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_XDP:
		/* reached through helpers only */
		return REX_CTX_OPAQUE;
	default:
		return REX_CTX_NONE;
	}
}

static bool is_identifier(const char *name, size_t size)
{
	size_t len = strnlen(name, size);
	size_t i;

	if (!len || len == size || isdigit(name[0]))
		return false;
	for (i = 0; i < len; i++) {
		if (!isascii(name[i]) || (!isalnum(name[i]) && name[i] != '_'))
			return false;
	}
	return true;
}

/*
 * What a hook gets from a program that ended abnormally, is stopped, or could
 * not run: a packet that was not judged does not pass, and whatever is probed
 * goes on unprobed. docs/decisions/kernel-default-verdicts.md has the reasons.
 */
static u32 default_verdict(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_XDP:
		return XDP_ABORTED;
	case BPF_PROG_TYPE_SCHED_CLS:
		return TC_ACT_SHOT;
	default:
		return 0;
	}
}

static int check_record(const struct rex_func *func, unsigned int i, struct rex_log *log)
{
	const struct rex_prog_desc *desc = &func->desc;
	s64 limit = max_ctx_size(desc->prog_type);

	if (desc->abi_version != REX_ABI_VERSION)
		return rex_refuse(log, -EPROTO, "program %u: ABI version %u, this kernel has %u",
				  i, desc->abi_version, REX_ABI_VERSION);
	if (!is_identifier(desc->name, sizeof(desc->name)))
		return rex_refuse(log, -ENOEXEC, "program %u: its name is not an identifier", i);
	if (limit == REX_CTX_NONE)
		return rex_refuse(log, -EOPNOTSUPP, "program %s: type %u is not supported",
				  desc->name, desc->prog_type);
	if (desc->ctx_size > limit)
		return rex_refuse(log, -EINVAL,
				  "program %s: reads %u bytes of context, its type has %lld",
				  desc->name, desc->ctx_size, limit);
	if (desc->stack_bytes && (desc->stack_bytes < REX_STACK_MIN_BOUND ||
				  desc->stack_bytes > REX_STACK_PROGRAM_SIZE))
		return rex_refuse(log, -EINVAL,
				  "program %s: a stack of %u bytes at most, possible are %d to %lu",
				  desc->name, desc->stack_bytes, REX_STACK_MIN_BOUND,
				  REX_STACK_PROGRAM_SIZE);
	if (desc->flags & ~REX_PROG_F_OVERRIDE ||
	    strnlen(desc->attach, sizeof(desc->attach)) == sizeof(desc->attach))
		return rex_refuse(log, -EINVAL, "program %s: its record is malformed", desc->name);
	if (desc->flags & REX_PROG_F_OVERRIDE && desc->prog_type != BPF_PROG_TYPE_KPROBE)
		return rex_refuse(log, -EINVAL, "program %s: only a kprobe may override a return",
				  desc->name);
	return 0;
}

static int check_unique(const struct rex_object *obj, unsigned int i, struct rex_log *log)
{
	unsigned int other;

	for (other = 0; other < i; other++) {
		if (!strcmp(obj->funcs[other].desc.name, obj->funcs[i].desc.name))
			return rex_refuse(log, -EEXIST, "program %s: declared twice",
					  obj->funcs[i].desc.name);
	}
	return 0;
}

/**
 * rex_funcs_read() - read and check the records of .rex.progs
 * @obj: its image is relocated; funcs and nr_funcs are set
 * @elf: validated view
 * @log: says why
 *
 * Return: 0, or -ENOEXEC, -EINVAL, -EPROTO, -EOPNOTSUPP, -EEXIST, -EPERM (an
 * entry that is not a function), -ENOMEM.
 */
int rex_funcs_read(struct rex_object *obj, const struct rex_elf *elf, struct rex_log *log)
{
	const struct rex_prog_desc *descs = obj->image.base + elf->progs.addr;
	unsigned int i, count = rex_elf_nr_progs(elf);
	int err;

	obj->funcs = kcalloc(count, sizeof(*obj->funcs), GFP_KERNEL);
	if (!obj->funcs)
		return -ENOMEM;
	obj->nr_funcs = count;

	for (i = 0; i < count; i++) {
		struct rex_func *func = &obj->funcs[i];

		func->obj = obj;
		func->desc = descs[i];
		func->entry = (void *)func->desc.entry;
		func->verdict = default_verdict(func->desc.prog_type);
		func->thunk = obj->image.base + obj->image.thunks + i * REX_THUNK_SIZE;

		err = check_record(func, i, log);
		if (!err)
			err = check_unique(obj, i, log);
		if (err)
			return err;
		if (!rex_elf_is_function(elf, func->desc.entry - (u64)obj->image.base))
			return rex_refuse(log, -EPERM,
					  "program %s: its entry is not the start of a function",
					  func->desc.name);
	}
	return 0;
}

/**
 * rex_funcs_write_thunks() - write the thunks of an object
 * @obj: its image is still writable
 */
void rex_funcs_write_thunks(struct rex_object *obj)
{
	unsigned int i;

	for (i = 0; i < obj->nr_funcs; i++)
		rex_thunk_write(obj->funcs[i].thunk, REX_THUNK_RDX, (u64)&obj->funcs[i],
				rex_dispatcher_func);
}

/* The program's own references, so that bpftool shows its maps. */
static int use_maps(struct bpf_prog *prog, const struct rex_object *obj)
{
	struct bpf_prog_aux *aux = prog->aux;
	unsigned int i;

	if (!obj->nr_maps)
		return 0;
	aux->used_maps = kmalloc_array(obj->nr_maps, sizeof(*aux->used_maps), GFP_KERNEL);
	if (!aux->used_maps)
		return -ENOMEM;
	for (i = 0; i < obj->nr_maps; i++) {
		bpf_map_inc(obj->maps[i]);
		aux->used_maps[i] = obj->maps[i];
	}
	aux->used_map_cnt = obj->nr_maps;
	return 0;
}

static void init_prog(struct bpf_prog *prog, const struct rex_func *func)
{
	const struct rex_prog_desc *desc = &func->desc;

	prog->type = desc->prog_type;
	prog->expected_attach_type = desc->expected_attach_type;
	prog->gpl_compatible = 1;
	prog->kprobe_override = !!(desc->flags & REX_PROG_F_OVERRIDE);
	prog->jited_len = REX_THUNK_SIZE;
	prog->bpf_func = func->thunk;
	memcpy(prog->tag, func->obj->tag, sizeof(prog->tag));
	strscpy(prog->aux->name, desc->name, sizeof(prog->aux->name));
	prog->aux->max_ctx_offset = desc->ctx_size;
	prog->aux->load_time = ktime_get_boottime_ns();
	prog->aux->user = get_current_user();
	atomic64_set(&prog->aux->refcnt, 1);
}

static struct rex_prog *alloc_rex_prog(void)
{
	struct rex_prog *rp = kzalloc(sizeof(*rp), GFP_KERNEL_ACCOUNT);

	if (!rp)
		return NULL;
	rp->usage = alloc_percpu_gfp(struct rex_usages, GFP_KERNEL_ACCOUNT);
	if (!rp->usage) {
		kfree(rp);
		return NULL;
	}
	return rp;
}

static void free_rex_prog(struct rex_prog *rp)
{
	free_percpu(rp->usage);
	kfree(rp);
}

/**
 * rex_prog_create() - make a BPF program of a function
 * @obj: the object
 * @func: one of its functions
 *
 * Return: fd of the program, or -ENOMEM, -EMFILE and the like.
 */
int rex_prog_create(struct rex_object *obj, struct rex_func *func)
{
	struct rex_prog *rp;
	struct bpf_prog *prog;

	rp = alloc_rex_prog();
	if (!rp)
		return -ENOMEM;
	prog = bpf_prog_alloc(bpf_prog_size(0), GFP_USER);
	if (!prog) {
		free_rex_prog(rp);
		return -ENOMEM;
	}
	if (use_maps(prog, obj)) {
		bpf_prog_free(prog);
		free_rex_prog(rp);
		return -ENOMEM;
	}
	init_prog(prog, func);
	rp->obj = rex_object_get(obj);
	rp->func = func;
	rp->prog = prog;
	prog->aux->rex = rp;
	atomic64_inc(&rex_stats.programs);
	rex_usage_track(rp);
	rex_watchdog_get();
	return rex_prog_publish(prog);
}

bool rex_may_nest(const struct bpf_prog *prog)
{
	return prog && prog->aux->rex && !in_nmi();
}

void rex_prog_free(struct rex_prog *rp)
{
	if (!rp)
		return;
	rex_usage_untrack(rp);
	rex_watchdog_put();
	atomic64_dec(&rex_stats.programs);
	rex_object_put(rp->obj);
	free_rex_prog(rp);
}
