/* SPDX-License-Identifier: MIT */
/* The parts of the library that makes QEMU forkable; server.c says what it does. */
#ifndef REX_TEST_FORK_H
#define REX_TEST_FORK_H

#if !defined(__x86_64__) || !defined(__GLIBC__)
#error "only for x86-64 with glibc"
#endif

/* Same numbers as in qemu/machine.ts. */
#define QMP_FD 3
#define AGENT_FD 4
#define CONSOLE_FD 5
#define FORK_FD 9

#define MAX_FDS 1024

/* Stops all threads but the calling one, for good. Returns what is in the way, if anything. */
const char *park_threads(void);

/* In a child, whose only thread this is: gives it its number. */
void renumber_thread(void);

/* In a child: makes all threads anew that the parent has parked, and lets them go on. */
void revive_threads(void);

/* In a child: has the streams to the runner, and all that siblings must not share, be its own. */
void renew_descriptors(const char *socket_name, const char *id);

#endif
