/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rex: internal interfaces of the runtime.
 *
 * The model
 * ---------
 * An *object* (struct rex_object) is a loaded ELF file: its image in kernel
 * memory, references on its maps, its symbols in kallsyms. Each record of
 * .rex.progs is a *function* of it (struct rex_func). REX_OBJ_GET_PROG makes a
 * *program* of a function: a struct bpf_prog of the attach type whose bpf_func
 * is the function's thunk, and a struct rex_prog that holds the object. So::
 *
 *	hook -> bpf_prog_run() -> thunk -> rex_dispatcher_func()
 *	     -> rex_enter() [switches stacks] -> the program's entry
 *
 * and back the same way, or, when a program ends abnormally::
 *
 *	program panics -> rex_panic_end() -> rex_exit()
 *	program traps or takes too long: rex_redirect() in the interrupt's handler
 *	     -> rex_redirect_stub() -> rex_exit()
 *	helper returns to a program that is over its time -> rex_exit()
 *
 *	rex_exit() -> rex_landingpad()
 *	     -> the instruction after rex_enter() in the dispatcher
 *
 * Lifetime and locking
 * --------------------
 * fd and programs each hold a reference on the object; programs and object
 * each hold references on the maps. An object never changes once its fd
 * exists, so nothing of it is locked. Freeing happens in process context, for
 * a program one grace period after its last run.
 *
 * Frames
 * ------
 * Each CPU has one frame and one stack for each context level (task, softirq,
 * hardirq, NMI), so that a program may be interrupted by another one. A frame
 * is only touched by its CPU at its level (and by the unwinder, which reads).
 * A program that would need the frame that is in use is skipped, as eBPF does.
 */
#ifndef _KERNEL_REX_REX_H
#define _KERNEL_REX_REX_H

#include <linux/atomic.h>
#include <linux/bpf.h>
#include <linux/elf.h>
#include <linux/kref.h>
#include <linux/percpu.h>
#include <linux/rex.h>
#include <linux/types.h>

#include "layout.h"

#undef pr_fmt
#define pr_fmt(fmt) "rex: " fmt

struct rex_object;
struct sock;

/* What a program may use of its stack. */
#define REX_STACK_PROGRAM_SIZE	(REX_STACK_SIZE - REX_STACK_RESERVE_PAGES * PAGE_SIZE)

/* ---- log.c: the sentence that tells user space why ---- */

struct rex_log {
	char __user *ubuf;
	char *kbuf;
	u32 size;	/* of both, bytes */
	u32 len;	/* without the NUL */
};

int rex_log_init(struct rex_log *log, char __user *ubuf, u32 size);
int rex_log_finish(struct rex_log *log, int err);
__printf(3, 4) int rex_refuse(struct rex_log *log, int err, const char *fmt, ...);

/* ---- elf.c: a validated view of an object file ---- */

struct rex_segment {
	u64 vaddr;
	u64 memsz;
	u64 offset;
	u64 filesz;
	u32 flags;	/* PF_R, PF_R | PF_X or PF_R | PF_W */
};

struct rex_section {
	u64 addr;	/* 0 for one that is not allocated */
	u64 offset;
	u64 size;
};

struct rex_elf {
	const u8 *data;
	u32 size;
	const struct elf64_hdr *eh;
	const struct elf64_shdr *sh;
	struct rex_segment seg[REX_MAX_SEGMENTS];
	unsigned int nr_seg;
	u64 image_size;		/* page aligned, from address 0 */
	struct rex_section dynamic;
	struct rex_section relro;
	struct rex_section progs;
	struct rex_section maps;
	struct rex_section symtab;
	struct rex_section strtab;
};

int rex_elf_parse(struct rex_elf *elf, const void *data, u32 size, struct rex_log *log);
const struct rex_segment *rex_elf_segment(const struct rex_elf *elf, u64 vaddr, u64 len);
const struct elf64_sym *rex_elf_symbols(const struct rex_elf *elf, unsigned int *count);
const char *rex_elf_symbol_name(const struct rex_elf *elf, const struct elf64_sym *sym);
bool rex_elf_is_function(const struct rex_elf *elf, u64 vaddr);

static inline unsigned int rex_elf_nr_progs(const struct rex_elf *elf)
{
	return elf->progs.size / sizeof(struct rex_prog_desc);
}

/* ---- image.c: the object in kernel memory ---- */

struct rex_image {
	void *base;
	u64 size;		/* bytes of the ELF image, page aligned */
	u64 thunks;		/* offset of the programs' thunks, == size */
	u64 calls;		/* offset of the imports' thunks, if it is measured */
	u64 total;		/* bytes allocated */
	bool measured;		/* imports are called by way of rex_measure() */
	u64 text;		/* offset of the first executable byte */
	u64 text_end;		/* offset behind the last one, thunks aside */
};

int rex_image_alloc(struct rex_image *image, const struct rex_elf *elf, unsigned int nr_thunks,
		    struct rex_log *log);
int rex_image_relocate(struct rex_image *image, const struct rex_elf *elf, struct rex_log *log);
int rex_image_seal(struct rex_image *image, const struct rex_elf *elf);
void rex_image_free(struct rex_image *image);

/* Is this the address of an instruction of the object? */
static inline bool rex_image_is_text(const struct rex_image *image, unsigned long addr)
{
	u64 offset = addr - (unsigned long)image->base;

	return offset >= image->text && offset < image->text_end;
}

/* ---- thunk.c ---- */

#define REX_THUNK_SIZE	32

enum rex_thunk_reg {
	REX_THUNK_RDX,
	REX_THUNK_R11,
};

void rex_thunk_write(void *thunk, enum rex_thunk_reg reg, u64 value, const void *target);

/* ---- usage.c: what each program has done so far ---- */

/* Of one program on one CPU at one level; only the frame there writes. */
struct rex_usage {
	u64 runs;
	u64 measured;		/* those that were measured from begin to end */
	/* Greatest depths of the stack, bytes. */
	u32 stack;		/* of the program itself */
	u32 report;		/* of its code that formats the message of a panic */
	u32 total;		/* with helpers, exits and interrupts; measured only */
};

struct rex_usages {
	struct rex_usage level[REX_NR_LEVELS];
};

struct seq_file;

void rex_usage_track(struct rex_prog *rp);
void rex_usage_untrack(struct rex_prog *rp);
void rex_usage_show(struct seq_file *m);

/* ---- progs.c: functions of an object, programs made of them ---- */

struct rex_func {
	struct rex_object *obj;
	struct rex_prog_desc desc;	/* a copy; the image is the program's */
	u64 (*entry)(const void *ctx);
	void *thunk;
	u32 verdict;	/* what its hook gets when it has no answer of its own */
};

struct rex_prog {
	struct rex_object *obj;
	struct rex_func *func;
	atomic64_t exits;	/* abnormal ends */
	struct bpf_prog *prog;
	struct list_head node;	/* usage.c */
	struct rex_usages __percpu *usage;
};

int rex_funcs_read(struct rex_object *obj, const struct rex_elf *elf, struct rex_log *log);
void rex_funcs_write_thunks(struct rex_object *obj);
int rex_prog_create(struct rex_object *obj, struct rex_func *func);

static inline struct rex_prog *rex_prog_of(const struct bpf_prog *prog)
{
	return prog->aux->rex;
}

/* ---- maps.c ---- */

int rex_maps_bind(struct rex_object *obj, const struct rex_elf *elf, u64 umaps, u32 map_cnt,
		  struct rex_log *log);
void rex_maps_put(struct rex_object *obj);

/* ---- ksyms.c ---- */

struct rex_ksyms;

struct rex_ksyms *rex_ksyms_add(const struct rex_elf *elf, const struct rex_image *image,
				struct rex_log *log);
void rex_ksyms_del(struct rex_ksyms *ksyms);

/* ---- object.c ---- */

struct rex_object {
	struct kref ref;
	bool stopped;		/* its programs do not run any more */
	struct list_head node;	/* stop.c */
	struct rcu_head rcu;
	u64 map_filter;
	char name[REX_PROG_NAME_LEN];
	u8 tag[BPF_TAG_SIZE];
	struct rex_image image;
	struct rex_ksyms *ksyms;
	struct rex_func *funcs;
	unsigned int nr_funcs;
	struct bpf_map *maps[REX_MAX_MAPS];
	unsigned int nr_maps;
};

int rex_object_load(const struct rex_load_attr *attr, struct rex_log *log);
struct rex_object *rex_object_from_fd(int fd);
struct rex_func *rex_object_find(struct rex_object *obj, const char *name);
void rex_object_put(struct rex_object *obj);

static inline struct rex_object *rex_object_get(struct rex_object *obj)
{
	kref_get(&obj->ref);
	return obj;
}

/* ---- exports.c: what a program may import ---- */

unsigned long rex_export_find(const char *name, int *measured, const char **why_not);
unsigned int rex_export_count(void);

/* ---- resource.c: what a program holds ---- */

enum rex_resource_kind {
	REX_RESOURCE_TASK,	/* a reference: refs.c */
	REX_RESOURCE_RINGBUF,	/* a reservation: ringbuf.c */
	REX_RESOURCE_SPIN_LOCK,	/* of a map value: lock.c */
	REX_RESOURCE_SOCK,	/* a reference: sock.c */
};

struct rex_resource {
	enum rex_resource_kind kind;
	void *ptr;		/* NULL until it is acquired */
	unsigned long irqs;	/* of a spin lock: flags to restore */
};

/* ---- exit.c: why a program ends ---- */

struct rex_exit_info {
	enum rex_exit_reason reason;
	const char *msg;
	size_t msg_len;
	const char *file;
	size_t file_len;
	u32 line;
	u32 column;
	u64 stack_used;		/* bytes; 0: as of rex_exit() */
};

/* ---- trace.c: and where ---- */

#define REX_FRAME_LEN	160	/* of the name of one entry, NUL included */

struct rex_trace {
	unsigned int nr;	/* 0: not saved yet */
	unsigned long ip;	/* of the instruction that was interrupted, or 0 */
	unsigned long entries[REX_MAX_FRAMES];	/* innermost first */
};

/* ---- stack.c ---- */

#define REX_REDIRECTION_MSG_LEN	96
/* Of message and file in the log, whose lines have less than 1024 bytes. */
#define REX_LOG_MSG_LEN		640
#define REX_LOG_FILE_LEN	160

/* What rex_redirect() leaves for rex_redirected(). */
struct rex_redirection {
	struct rex_exit_info info;
	char msg[REX_REDIRECTION_MSG_LEN];
};

struct rex_frame {
	const struct bpf_prog *prog;	/* NULL while the frame is free */
	const struct rex_func *func;
	const void *ctx;
	enum rex_state state;
	unsigned long sp;		/* rex_enter()'s, at the switch */
	u64 start_ns;			/* ktime_get_mono_fast_ns() */
	u64 start_round;		/* rex_watchdog_round(), likewise */
	unsigned int ticks;		/* of its CPU's watchdog, that found it at work */
	int preempt_count;
	bool irqs_disabled;
	int rcu_depth;
	int locks_held;			/* known to lockdep, as are the irqs */
	bool irqs_traced;
	bool expired;			/* to end when its helper returns */
	struct rex_usage *usage;	/* of the program, here */
	u32 *mark;			/* of usage: what its depth counts as */
	bool painted;			/* the stack, where it is unused */
	bool measured;			/* the program is */
	bool interrupted;		/* since the program began */
	u64 irqs;			/* of this CPU, when it was last painted */
	struct rex_resource resources[REX_MAX_RESOURCES];	/* in order of acquisition */
	unsigned int nr_resources;
	u8 released[REX_MAX_RESOURCES];	/* kinds, in the order that the runtime released them */
	unsigned int nr_released;
	struct rex_redirection redirection;
	struct rex_trace trace;
	char log_msg[REX_LOG_MSG_LEN];	/* escaped for the log */
	char log_file[REX_LOG_FILE_LEN];
};

struct rex_cpu {
	struct rex_frame frames[REX_NR_LEVELS];
	void *stacks[REX_NR_LEVELS];	/* lowest address */
};

DECLARE_PER_CPU(struct rex_cpu, rex_cpu);

struct rex_frame *rex_current_frame(void);
void *rex_frame_stack(const struct rex_frame *frame);
unsigned long *rex_stack_top(void *stack);
void rex_stack_rewind(const struct rex_frame *frame, struct pt_regs *regs);
u64 rex_stack_used(const struct rex_frame *frame, unsigned long sp);
void rex_stack_unpoison(const struct rex_frame *frame);

/* ---- measure.c ---- */

void rex_measure_begin(struct rex_frame *frame);
void rex_measure_end(struct rex_frame *frame);
void rex_measure_call(unsigned long sp);
void rex_measure_return(unsigned long sp);

/* The program of a frame has been so deep. */
static __always_inline void rex_stack_seen(struct rex_frame *frame, u32 used)
{
	if (used > *frame->mark)
		WRITE_ONCE(*frame->mark, used);
}

/**
 * rex_stack_sample() - keep how deep a program is that makes a call
 * @frame: in use
 * @sp: address of the return address, on its stack
 *
 * Where a program is measured, that is done in a better way, and @sp is not
 * what the program made it.
 */
static __always_inline void rex_stack_sample(struct rex_frame *frame, unsigned long sp)
{
	if (!frame->measured)
		rex_stack_seen(frame, REX_STACK_SIZE - (sp & (REX_STACK_SIZE - 1)));
}

/* ---- dispatch.c ---- */

unsigned int rex_dispatcher_func(const void *ctx, const struct bpf_insn *insn,
				 const struct rex_func *func);

struct rex_resource *rex_resource_claim(struct rex_frame *frame, enum rex_resource_kind kind);
void rex_resource_unclaim(struct rex_frame *frame);
bool rex_resource_take(struct rex_frame *frame, enum rex_resource_kind kind, const void *ptr,
		       struct rex_resource *taken);
void rex_release_all(struct rex_frame *frame);
void rex_release_leftovers(struct rex_frame *frame);
const char *rex_resource_name(enum rex_resource_kind kind);

/* ---- refs.c ---- */

void rex_task_put(struct task_struct *task);

/* ---- sock.c ---- */

void rex_sock_put(struct sock *sk);

/* ---- lock.c ---- */

long rex_lock_of_change(const struct bpf_map *map);
long rex_lock_of_update(const struct bpf_map *map, u64 *flags);
void rex_lock_drop(const struct rex_resource *res);
bool rex_holds_lock(const struct rex_frame *frame);

/* ---- ringbuf.c ---- */

void rex_ringbuf_drop(void *sample);

/* ---- entry_64.S ---- */

u64 rex_enter(const void *ctx, u64 (*entry)(const void *ctx), unsigned long *top,
	      unsigned long *sp);
void __noreturn rex_landingpad(u64 retval, unsigned long sp);
void rex_redirect_stub(void);
void rex_measure(void);

void rex_trace_save(struct rex_frame *frame);
void rex_trace_save_regs(struct rex_frame *frame, struct pt_regs *regs);
void rex_trace_name(const struct rex_trace *trace, unsigned int i, char *name, size_t size);
void rex_trace_log(const struct rex_trace *trace);

/* ---- redirect.c ---- */

struct rex_frame *rex_executing_frame(void);
bool rex_redirect(struct pt_regs *regs, struct rex_frame *frame, const struct rex_exit_info *info);
void __noreturn rex_redirected(void);

/* ---- exit.c ---- */

void __noreturn rex_exit(struct rex_frame *frame, const struct rex_exit_info *info);

/* ---- watchdog.c ---- */

void rex_watchdog_get(void);
void rex_watchdog_put(void);
u64 rex_watchdog_round(void);
void rex_watchdog_interrupted(const struct rex_frame *frame, unsigned int level);
void __noreturn rex_expire(struct rex_frame *frame, enum rex_state from);

/* ---- sysctl.c ---- */

extern unsigned int rex_timeout_ms;
extern unsigned int rex_tick_ms;
extern unsigned int rex_crash_stop;
extern unsigned int rex_stack_paint;

/* ---- stop.c ---- */

/* Values of rex_crash_stop: which programs stop with one that ended abnormally. */
enum rex_crash_stop_policy {
	REX_CRASH_STOP_NONE	= 0,
	REX_CRASH_STOP_OBJECT	= 1,
	REX_CRASH_STOP_SHARERS	= 2,
};

void rex_stop_track(struct rex_object *obj);
void rex_stop_untrack(struct rex_object *obj);
void rex_stop_crashed(struct rex_object *obj);

/* ---- record.c ---- */

void rex_record_exit(const struct rex_frame *frame, const struct rex_exit_info *info,
		     u64 stack_used, u64 count);
extern const struct file_operations rex_records_fops;
void rex_escape(struct seq_file *m, const char *text, size_t len);
const char *rex_reason_name(enum rex_exit_reason reason);

/* ---- debugfs.c ---- */

struct rex_stats {
	atomic64_t loads;	/* objects loaded since boot */
	atomic64_t refusals;	/* objects refused since boot */
	atomic64_t objects;	/* alive now */
	atomic64_t programs;	/* alive now */
	atomic64_t exits;	/* abnormal ends since boot */
	atomic64_t misses;	/* runs skipped since boot: the frame was in use */
	atomic64_t stopped_runs; /* runs skipped since boot: the object is stopped */
	atomic64_t unbalanced;	/* runs that came back with another context state */
	atomic64_t lost_records; /* exits that could not be recorded */
	atomic64_t unreleased;	/* resources that programs held when they returned, since boot */
};

extern struct rex_stats rex_stats;

#endif /* _KERNEL_REX_REX_H */
