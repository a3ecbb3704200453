// SPDX-License-Identifier: MIT
/*
 * Makes a running QEMU forkable: loaded into it by LD_PRELOAD, it forks the whole
 * process, threads included, as often as it is told to. Each child is a machine
 * of its own that goes on where the parent was stopped, with all guest code that
 * the parent has translated. docs/decisions/qemu-fork-clones.md
 *
 * How: fork() copies memory but only the calling thread. So every other thread is
 * made to enter a signal handler first, where it notes its registers and waits for
 * good. In the child each is made again by clone(), with the thread pointer it had,
 * jumps to where it noted its registers, and returns from the handler: what it did,
 * a futex or poll call mostly, is restarted by the kernel as after any signal.
 * What a child must not share with its siblings is made anew under the same
 * descriptor: sockets to the runner, eventfds, signalfds, epoll sets.
 *
 * Control is a socket, FORK_FD, lines of text:
 *   -> fork ID NAME	connect the child's sockets to the abstract socket NAME
 *   <- forked ID PID
 *   <- failed ID WHY	nothing has changed
 *   -> kill PID
 *   <- exited PID STATUS	as from waitpid()
 * The machine must be stopped (QMP `stop`) before the first fork. With it the
 * parent is frozen for good; it then only serves this socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork.h"

static bool is_enabled;
static bool is_frozen;
static struct sigaction qemu_on_child;

static void on_child(int signal)
{
	(void)signal; /* ppoll() returns, which is all that is wanted. */
}

static void become_child(pid_t parent, const char *id, const char *name)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	renumber_thread();
	sigaction(SIGCHLD, &qemu_on_child, NULL);
	is_enabled = false;
	close(FORK_FD);
	renew_descriptors(name, id);
	revive_threads();
}

/* Whether this is the child. */
static bool fork_machine(const char *id, const char *name)
{
	pid_t parent = getpid();
	const char *problem = is_frozen ? NULL : park_threads();
	pid_t pid;

	if (problem) {
		dprintf(FORK_FD, "failed %s %s\n", id, problem);
		return false;
	}
	is_frozen = true;
	/*
	 * Not the library's: it would take locks that parked threads may hold, and
	 * run the handlers of those who don't expect this.
	 */
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		become_child(parent, id, name);
		return true;
	}
	if (pid < 0)
		dprintf(FORK_FD, "failed %s %s\n", id, strerror(errno));
	else
		dprintf(FORK_FD, "forked %s %d\n", id, pid);
	return false;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		dprintf(FORK_FD, "exited %d %d\n", pid, status);
}

/* Whether this is a child now. */
static bool obey(char *line)
{
	char id[32], name[96];
	int pid;

	if (sscanf(line, "fork %31s %95s", id, name) == 2)
		return fork_machine(id, name);
	if (sscanf(line, "kill %d", &pid) == 1 && pid > 1)
		kill(pid, SIGKILL);
	return false;
}

/* Returns in children only, or when nobody has ever wanted one and the runner is gone. */
static void serve(void)
{
	static char buffer[4096];
	static size_t filled;
	struct sigaction action = { .sa_handler = on_child };
	sigset_t blocked, before;
	bool has_read = false;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGCHLD, &action, &qemu_on_child);
	for (;;) {
		ssize_t length;
		char *end;

		while ((end = memchr(buffer, '\n', filled))) {
			char line[4096];
			size_t used = end - buffer + 1;

			memcpy(line, buffer, used);
			line[used - 1] = '\0';
			memmove(buffer, buffer + used, filled - used);
			filled -= used;
			if (obey(line)) {
				sigprocmask(SIG_SETMASK, &before, NULL);
				return;
			}
		}
		if (!is_frozen && has_read && filled == 0) {
			/* A refusal: the machine goes on as if nothing had been asked. */
			sigaction(SIGCHLD, &qemu_on_child, NULL);
			sigprocmask(SIG_SETMASK, &before, NULL);
			return;
		}
		struct pollfd control = { .fd = FORK_FD, .events = POLLIN };
		sigset_t with_child = before;

		sigdelset(&with_child, SIGCHLD);
		syscall(SYS_ppoll, &control, 1, NULL, &with_child, 8);
		reap();
		if (!(control.revents))
			continue;
		has_read = true;
		length = recv(FORK_FD, buffer + filled, sizeof(buffer) - filled, MSG_DONTWAIT);
		if (length > 0)
			filled += length;
		else if (length == 0 || (errno != EAGAIN && errno != EINTR))
			_exit(0); /* The runner is gone. */
	}
}

static int wait_for_events(struct pollfd *fds, nfds_t count, const struct timespec *limit,
			   const sigset_t *mask)
{
	struct timespec rest = limit ? *limit : (struct timespec){ 0 };
	struct pollfd all[MAX_FDS];
	int ready;

	if (!is_enabled || count >= MAX_FDS || syscall(SYS_gettid) != getpid())
		return syscall(SYS_ppoll, fds, count, limit ? &rest : NULL, mask, 8);
	memcpy(all, fds, count * sizeof(*fds));
	all[count] = (struct pollfd){ .fd = FORK_FD, .events = POLLIN };
	ready = syscall(SYS_ppoll, all, count + 1, limit ? &rest : NULL, mask, 8);
	if (ready > 0 && all[count].revents) {
		serve();
		for (nfds_t i = 0; i < count; i++)
			fds[i].revents = 0;
		return 0;
	}
	memcpy(fds, all, count * sizeof(*fds));
	return ready;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
	return wait_for_events(fds, count, limit, mask);
}

/* The same, as called by what was built to check sizes. */
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
		const sigset_t *mask, size_t size)
{
	(void)size;
	return wait_for_events(fds, count, limit, mask);
}

/* A guest's RAM is marked as not for children: most children soon execute something else. */
int madvise(void *start, size_t size, int advice)
{
	if (advice == MADV_DONTFORK)
		return 0;
	return syscall(SYS_madvise, start, size, advice);
}

/* A ring is shared with children whatever one does. QEMU then polls. */
int io_uring_queue_init(unsigned int entries, void *ring, unsigned int flags)
{
	(void)entries;
	(void)ring;
	(void)flags;
	return -ENOSYS;
}

__attribute__((constructor)) static void start(void)
{
	/* Not in what QEMU itself executes. */
	unsetenv("LD_PRELOAD");
	is_enabled = fcntl(FORK_FD, F_GETFD) >= 0;
}
