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
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__) || !defined(__GLIBC__)
#error "only for x86-64 with glibc"
#endif

/* Same numbers as in qemu/machine.ts. */
#define QMP_FD 3
#define AGENT_FD 4
#define CONSOLE_FD 5
#define FORK_FD 9

#define MAX_THREADS 64
#define MAX_FDS 1024
#define SCRATCH_BYTES 4096
#define PARK_LIMIT_MS 5000
/* How far into a thread's control block its tid is looked for. */
#define TCB_BYTES 1024
/* QEMU blocks everything in its threads but the signals of faults, and uses this one for nothing. */
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
	char scratch[SCRATCH_BYTES] __attribute__((aligned(16)));
};

static struct parked_thread threads[MAX_THREADS];
static int thread_count;
static _Atomic int parked_count;
/* Nobody ever wakes the threads of the parent. */
static _Atomic int never;
static size_t tid_offset;
static bool is_enabled;
static bool is_frozen;

/* Returns 0, and 1 when it is jumped to. */
int rex_save_context(struct context *context) __attribute__((returns_twice));
void rex_jump_to_context(const struct context *context) __attribute__((noreturn));

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

/* ---- parking ---- */

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

/* glibc keeps the tid in the control block, and compares it where a mutex has an owner. */
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

static const char *freeze(void)
{
	struct sigaction action = { .sa_sigaction = park, .sa_flags = SA_SIGINFO | SA_RESTART };
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
		struct timespec while_waiting = { .tv_nsec = 10 * 1000 * 1000 };

		if (seen == thread_count)
			break;
		if (waited_ms >= PARK_LIMIT_MS)
			return "a thread does not take a signal";
		if (syscall(SYS_futex, &parked_count, FUTEX_WAIT, seen, &while_waiting, NULL, 0) != 0 && errno == ETIMEDOUT)
			waited_ms += 10;
	}
	return find_tid_field();
}

/* ---- what a child has of its own ---- */

static void replace(int old_fd, int new_fd)
{
	int status = fcntl(old_fd, F_GETFL);
	int flags = fcntl(old_fd, F_GETFD);

	if (new_fd < 0 || dup3(new_fd, old_fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0) {
		dprintf(STDERR_FILENO, "fork: descriptor %d can't be replaced: %s\n", old_fd, strerror(errno));
		_exit(1);
	}
	fcntl(old_fd, F_SETFL, status);
	close(new_fd);
}

static void connect_to_runner(int fd, const char *name, const char *id, const char *channel)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	int new_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path + 1, name, length);
	if (new_fd < 0 || connect(new_fd, (struct sockaddr *)&address,
				  offsetof(struct sockaddr_un, sun_path) + 1 + length) != 0) {
		dprintf(STDERR_FILENO, "fork: no connection to the runner: %s\n", strerror(errno));
		_exit(1);
	}
	dprintf(new_fd, "%s %s\n", id, channel);
	replace(fd, new_fd);
}

static void read_info(int fd, char *text, size_t size)
{
	char path[64];
	ssize_t length = -1;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info >= 0) {
		length = read(info, text, size - 1);
		close(info);
	}
	text[length > 0 ? length : 0] = '\0';
}

static uint64_t field_of(const char *info, const char *name)
{
	const char *at = strstr(info, name);

	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static void renew_epoll(int fd, const char *info)
{
	int new_fd = epoll_create1(EPOLL_CLOEXEC);
	const char *line = info;

	while (new_fd >= 0 && (line = strstr(line, "tfd:"))) {
		int target;
		unsigned int events;
		unsigned long long data;

		if (sscanf(line, "tfd: %d events: %x data: %llx", &target, &events, &data) == 3) {
			struct epoll_event event = { .events = events, .data.u64 = data };

			epoll_ctl(new_fd, EPOLL_CTL_ADD, target, &event);
		}
		line++;
	}
	replace(fd, new_fd);
}

/* Two rounds: what an epoll set looks at has to be the child's own already. */
static void renew_descriptors(void)
{
	static char info[16384];
	int fds[MAX_FDS], count = 0;
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!folder)
		_exit(1);
	while ((entry = readdir(folder)) && count < MAX_FDS)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder))
			fds[count++] = atoi(entry->d_name);
	closedir(folder);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < count; i++) {
			char path[64], target[64];
			ssize_t length;

			snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
			length = readlink(path, target, sizeof(target) - 1);
			if (length < 0)
				continue;
			target[length] = '\0';
			if (round == 0 && strcmp(target, "anon_inode:[eventfd]") == 0) {
				read_info(fds[i], info, sizeof(info));
				replace(fds[i], eventfd(field_of(info, "eventfd-count:"), EFD_CLOEXEC));
			} else if (round == 0 && strcmp(target, "anon_inode:[signalfd]") == 0) {
				uint64_t bits;
				sigset_t mask;

				read_info(fds[i], info, sizeof(info));
				bits = field_of(info, "sigmask:");
				sigemptyset(&mask);
				for (int number = 1; number <= 64; number++)
					if (bits & 1ULL << (number - 1))
						sigaddset(&mask, number);
				replace(fds[i], signalfd(-1, &mask, SFD_CLOEXEC));
			} else if (round == 1 && strcmp(target, "anon_inode:[eventpoll]") == 0) {
				read_info(fds[i], info, sizeof(info));
				renew_epoll(fds[i], info);
			}
		}
	}
}

static int enter_thread(void *argument)
{
	rex_jump_to_context(&((struct parked_thread *)argument)->context);
}

static void revive_threads(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS;

	for (int i = 0; i < thread_count; i++) {
		struct parked_thread *thread = &threads[i];

		if (clone(enter_thread, thread->scratch + SCRATCH_BYTES, flags, thread, NULL, (void *)thread->tcb) < 0) {
			dprintf(STDERR_FILENO, "fork: a thread can't be made: %s\n", strerror(errno));
			_exit(1);
		}
	}
}

/* ---- the parent ---- */

static struct sigaction qemu_on_child;

static void on_child(int signal)
{
	(void)signal; /* ppoll() returns, which is all that is wanted. */
}

static void become_child(pid_t parent, const char *id, const char *name)
{
	pid_t *field = tid_field(thread_pointer());

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	*field = syscall(SYS_set_tid_address, field);
	sigaction(SIGCHLD, &qemu_on_child, NULL);
	is_enabled = false;
	close(FORK_FD);
	connect_to_runner(STDERR_FILENO, name, id, "stderr");
	connect_to_runner(QMP_FD, name, id, "qmp");
	connect_to_runner(AGENT_FD, name, id, "agent");
	connect_to_runner(CONSOLE_FD, name, id, "console");
	renew_descriptors();
	revive_threads();
}

/* Whether this is the child. */
static bool fork_machine(const char *id, const char *name)
{
	pid_t parent = getpid();
	const char *problem = is_frozen ? NULL : freeze();
	pid_t pid;

	if (problem) {
		dprintf(FORK_FD, "failed %s %s\n", id, problem);
		return false;
	}
	is_frozen = true;
	/* Not the library's: it would take locks that parked threads may hold, and run the handlers of those who don't expect this. */
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

/* ---- what QEMU calls ---- */

static int wait_for_events(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask)
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

int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask, size_t size)
{
	(void)size;
	return wait_for_events(fds, count, limit, mask);
}

/* A guest's RAM is marked as not for children, because of children that soon execute something else. */
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
