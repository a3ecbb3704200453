/* SPDX-License-Identifier: MIT */
/*
 * Loaded into a QEMU that replays (LD_PRELOAD), so that gdb can go back. QEMU goes back by restoring a snapshot and replaying from there. A
 * virtio-serial port that is restored is in the way: it arms a timer on the guest's clock, for its first nanosecond. That has expired as soon as it
 * is there, but may run only where the recording has a run of timers. Until then it stops the CPU before each instruction, and the replay stands
 * still for good; where there is such a run, the timer takes it from the guest's own. All it does is to tell both sides that the port is
 * open, which they know already: so it is not armed.
 *
 * For that timer_mod is replaced, one of the functions that QEMU exports for its modules; but only if it is, instruction for instruction, the one that
 * we know, which tells where a timer has its scale, too. If it is not, QEMU ends with a sentence about that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined(__x86_64__) || !defined(__GLIBC__)
#error "only for x86-64 with glibc"
#endif

static void (*timer_mod_ns)(void *timer, int64_t expire_ns);

/* mov %rsi,%rax; movslq 0x2c(%rdi),%rsi; imul %rax,%rsi; jmp timer_mod_ns */
static const uint8_t known_timer_mod[] = {
	0x48, 0x89, 0xf0, 0x48, 0x63, 0x77, 0x2c, 0x48, 0x0f, 0xaf, 0xf0, 0xe9,
};
#define SCALE_OFFSET 0x2c

static void replay_timer_mod(void *timer, int64_t expire)
{
	int scale;

	/* Nothing but the port that is restored asks for the first tick of all. */
	if (expire == 1)
		return;
	memcpy(&scale, (char *)timer + SCALE_OFFSET, sizeof(scale));
	timer_mod_ns(timer, expire * scale);
}

static void refuse(const char *what)
{
	fprintf(stderr, "this QEMU can't go back in a recording: %s\n", what);
	_exit(1);
}

/* mov $to,%rax; jmp *%rax */
static void replace(void *function, void (*to)(void))
{
	uint8_t code[] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
	uintptr_t page_size = sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)function & ~(page_size - 1);
	uintptr_t end = (uintptr_t)function + sizeof(code);

	memcpy(code + 2, &to, sizeof(to));
	if (mprotect((void *)first, end - first, PROT_READ | PROT_WRITE | PROT_EXEC))
		refuse("its code can't be written to");
	memcpy(function, code, sizeof(code));
	mprotect((void *)first, end - first, PROT_READ | PROT_EXEC);
}

/* Before main(): QEMU has one thread, and none of its own code has run. */
__attribute__((constructor)) static void prepare(void)
{
	void *timer_mod;

	timer_mod = dlsym(RTLD_DEFAULT, "timer_mod");
	timer_mod_ns = dlsym(RTLD_DEFAULT, "timer_mod_ns");
	if (!timer_mod || !timer_mod_ns)
		refuse("it does not export timer_mod");
	if (memcmp(timer_mod, known_timer_mod, sizeof(known_timer_mod)))
		refuse("timer_mod is another one than in Debian's QEMU 7.2");
	replace(timer_mod, (void (*)(void))replay_timer_mod);
}
