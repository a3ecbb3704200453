// SPDX-License-Identifier: MIT
/* A child has what its parent has open, as its siblings. What they must not share is renewed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fork.h"

#define INFO_BYTES 16384

static void replace(int old_fd, int new_fd)
{
	int status = fcntl(old_fd, F_GETFL);
	int flags = fcntl(old_fd, F_GETFD);

	if (new_fd < 0 || dup3(new_fd, old_fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0) {
		dprintf(STDERR_FILENO, "fork: descriptor %d can't be replaced: %s\n", old_fd,
			strerror(errno));
		_exit(1);
	}
	fcntl(old_fd, F_SETFL, status);
	close(new_fd);
}

/* Says on each connection whose it is. */
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

static void renew_eventfd(int fd, const char *info)
{
	replace(fd, eventfd(field_of(info, "eventfd-count:"), EFD_CLOEXEC));
}

static void renew_signalfd(int fd, const char *info)
{
	uint64_t bits = field_of(info, "sigmask:");
	sigset_t mask;

	sigemptyset(&mask);
	for (int number = 1; number <= 64; number++)
		if (bits & 1ULL << (number - 1))
			sigaddset(&mask, number);
	replace(fd, signalfd(-1, &mask, SFD_CLOEXEC));
}

static const struct kind {
	const char *name;
	void (*renew)(int fd, const char *info);
} kinds[] = {
	{ "anon_inode:[eventfd]", renew_eventfd },
	{ "anon_inode:[signalfd]", renew_signalfd },
	/* The last: what it looks at has to be the child's own by then. */
	{ "anon_inode:[eventpoll]", renew_epoll },
};

#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

static int list_descriptors(int fds[MAX_FDS])
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	if (!folder)
		_exit(1);
	while ((entry = readdir(folder)) && count < MAX_FDS)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder))
			fds[count++] = atoi(entry->d_name);
	closedir(folder);
	return count;
}

static void renew_all(const struct kind *kind, const int *fds, int count)
{
	static char info[INFO_BYTES];

	for (int i = 0; i < count; i++) {
		char path[64], target[64];
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		length = readlink(path, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (strcmp(target, kind->name) != 0)
			continue;
		read_info(fds[i], info, sizeof(info));
		kind->renew(fds[i], info);
	}
}

void renew_descriptors(const char *socket_name, const char *id)
{
	int fds[MAX_FDS], count;

	connect_to_runner(STDERR_FILENO, socket_name, id, "stderr");
	connect_to_runner(QMP_FD, socket_name, id, "qmp");
	connect_to_runner(AGENT_FD, socket_name, id, "agent");
	connect_to_runner(CONSOLE_FD, socket_name, id, "console");
	count = list_descriptors(fds);
	for (int i = 0; i < KINDS; i++)
		renew_all(&kinds[i], fds, count);
}
