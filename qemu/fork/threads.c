// SPDX-License-Identifier: MIT
/* fork() copies memory, but of the threads only the one that calls it: here are the others. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fork.h"

#define MAX_THREADS 64
#define SCRATCH_BYTES 4096
#define PARK_LIMIT_MS 5000
/* How far into a thread's control block its number is looked for. */
#define TCB_BYTES 1024
/* QEMU blocks all signals in its threads but those of faults, and uses this one for nothing. */
#define PARK_SIGNAL SIGILL

/* Callee-saved registers, stack and instruction pointer. */
struct context {
	uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

struct parked_thread {
	pid_t tid;
	/* The thread pointer, which is where its control block is. */
	uintptr_t tcb;
	struct context context;
	_Alignas(16) char scratch[SCRATCH_BYTES];
};

static struct parked_thread threads[MAX_THREADS];
static int thread_count;
static _Atomic int parked_count;
/* Nobody ever wakes the threads of the parent. */
static _Atomic int never;
static size_t tid_offset;

/* Returns 0, and 1 when it is jumped to. */
int rex_save_context(struct context *context) __attribute__((returns_twice));
_Noreturn void rex_jump_to_context(const struct context *context);

__asm__(".text\n"
	".globl rex_save_context\n"
	"rex_save_context:\n"
	"	mov %rbx, 0(%rdi)\n"
	"	mov %rbp, 8(%rdi)\n"
	"	mov %r12, 16(%rdi)\n"
	"	mov %r13, 24(%rdi)\n"
	"	mov %r14, 32(%rdi)\n"
	"	mov %r15, 40(%rdi)\n"
	"	lea 8(%rsp), %rax\n"
	"	mov %rax, 48(%rdi)\n"
	"	mov (%rsp), %rax\n"
	"	mov %rax, 56(%rdi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".globl rex_jump_to_context\n"
	"rex_jump_to_context:\n"
	"	mov 0(%rdi), %rbx\n"
	"	mov 8(%rdi), %rbp\n"
	"	mov 16(%rdi), %r12\n"
	"	mov 24(%rdi), %r13\n"
	"	mov 32(%rdi), %r14\n"
	"	mov 40(%rdi), %r15\n"
	"	mov 48(%rdi), %rsp\n"
	"	mov $1, %eax\n"
	"	jmp *56(%rdi)\n");

static uintptr_t thread_pointer(void)
{
	uintptr_t pointer;

	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	return pointer;
}

static pid_t *tid_field(uintptr_t tcb)
{
	return (pid_t *)(tcb + tid_offset);
}

static struct parked_thread *find_self(void)
{
	pid_t tid = syscall(SYS_gettid);

	for (int i = 0; i < thread_count; i++)
		if (threads[i].tid == tid)
			return &threads[i];
	return NULL;
}

/*
 * Runs on a thread's own stack. The first return of rex_save_context() is in the
 * parent, which stays; the second one in a child, on a thread that is made anew.
 */
static void park(int signal, siginfo_t *info, void *unused)
{
	struct parked_thread *const self = info->si_code == SI_TKILL ? find_self() : NULL;
	const int saved_errno = errno;

	(void)unused;
	if (!self) {
		/* A real one: it shall end the process as ever. */
		struct sigaction fatal = { .sa_handler = SIG_DFL };

		sigaction(signal, &fatal, NULL);
		return;
	}
	self->tcb = thread_pointer();
	if (rex_save_context(&self->context) == 0) {
		atomic_fetch_add(&parked_count, 1);
		syscall(SYS_futex, &parked_count, FUTEX_WAKE, 1, NULL, NULL, 0);
		for (;;)
			syscall(SYS_futex, &never, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	pid_t *field = tid_field(self->tcb);

	*field = syscall(SYS_set_tid_address, field);
	errno = saved_errno;
}

static const char *list_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;

	if (!folder)
		return "/proc/self/task can't be read";
	thread_count = 0;
	while ((entry = readdir(folder))) {
		pid_t tid = atoi(entry->d_name);

		if (tid <= 0 || tid == getpid())
			continue;
		if (thread_count == MAX_THREADS) {
			closedir(folder);
			return "too many threads";
		}
		threads[thread_count++].tid = tid;
	}
	closedir(folder);
	return NULL;
}

/* glibc keeps the number in the control block, and compares it where a mutex has an owner. */
static const char *find_tid_field(void)
{
	uintptr_t own = thread_pointer();

	for (size_t offset = 0; offset < TCB_BYTES; offset += sizeof(pid_t)) {
		bool is_it = *(pid_t *)(own + offset) == getpid();

		for (int i = 0; is_it && i < thread_count; i++)
			is_it = *(pid_t *)(threads[i].tcb + offset) == threads[i].tid;
		if (is_it) {
			tid_offset = offset;
			return NULL;
		}
	}
	return "this C library keeps its threads' numbers elsewhere";
}

const char *park_threads(void)
{
	struct sigaction action = { .sa_sigaction = park, .sa_flags = SA_SIGINFO | SA_RESTART };
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	const char *problem = list_threads();
	int waited_ms = 0;

	if (problem)
		return problem;
	sigfillset(&action.sa_mask);
	if (sigaction(PARK_SIGNAL, &action, NULL) != 0)
		return strerror(errno);
	for (int i = 0; i < thread_count; i++)
		if (syscall(SYS_tgkill, getpid(), threads[i].tid, PARK_SIGNAL) != 0)
			return "a thread ended meanwhile";
	for (;;) {
		int seen = atomic_load(&parked_count);

		if (seen == thread_count)
			break;
		if (waited_ms >= PARK_LIMIT_MS)
			return "a thread does not take a signal";
		if (syscall(SYS_futex, &parked_count, FUTEX_WAIT, seen, &pause, NULL, 0) != 0 &&
		    errno == ETIMEDOUT)
			waited_ms += 10;
	}
	return find_tid_field();
}

void renumber_thread(void)
{
	pid_t *field = tid_field(thread_pointer());

	*field = syscall(SYS_set_tid_address, field);
}

static int enter_thread(void *argument)
{
	rex_jump_to_context(&((struct parked_thread *)argument)->context);
}

void revive_threads(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_SETTLS;

	for (int i = 0; i < thread_count; i++) {
		struct parked_thread *thread = &threads[i];

		if (clone(enter_thread, thread->scratch + SCRATCH_BYTES, flags, thread, NULL,
			  (void *)thread->tcb) < 0) {
			dprintf(STDERR_FILENO, "fork: a thread can't be made: %s\n",
				strerror(errno));
			_exit(1);
		}
	}
}
