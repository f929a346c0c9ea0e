/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile guest with threads and children, one scene a run:
 *
 *   structures   a thread changes what structures point to, while another makes calls with them
 *   descriptors  threads close, duplicate over, open and send whatever number there may be
 *   signals      a child floods every thread with queued signals, during calls, forks and executions
 *
 * The status is 0 when nothing of the monitor came out or was opened, and the guest lived on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_END  0x200000000000ull
#define ROUNDS     600
#define GOOD       'G'
#define HIGHEST_FD 8192
#define CHILDREN   20
#define EACH_CHILD 200
#define FLOODED    35
#define ROOM       64

/* What both threads have: the caller uses it, the changer changes it. */
struct shared {
	atomic_bool is_over;
	int file;
	char good[ROOM];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec vector[2];
	struct msghdr message;
	struct open_how how;
	struct clone_args clone;
	struct iocb request;
	struct {
		void *set;
		size_t size;
	} mask;
};

static struct shared shared;
static uint64_t monitor[64];
static size_t monitors;
static atomic_uint delivered;

static void fail(const char *what)
{
	printf("FAILED: %s (errno %d)\n", what, errno);
	exit(1);
}

/* The test sees the monitor's mappings on the host, and writes their addresses to the standard input. */
static void find_monitor(void)
{
	char line[64];

	printf("ready\n");
	monitor[monitors++] = ARENA_END;
	monitor[monitors++] = ARENA_END + 0x1000;
	monitor[monitors++] = UINT64_MAX;
	while (fgets(line, sizeof line, stdin) != NULL && monitors < 60) {
		monitor[monitors++] = strtoull(line, NULL, 16);
	}
}

static void *change_structures(void *arg)
{
	struct cmsghdr *header = (struct cmsghdr *)shared.control;
	unsigned turn = 0;

	(void)arg;
	while (!atomic_load_explicit(&shared.is_over, memory_order_relaxed)) {
		void *bad = (void *)(uintptr_t)monitor[turn++ % monitors];
		int fd = (int)(turn % HIGHEST_FD);

		shared.vector[1] = (struct iovec){ bad, ROOM };
		shared.message.msg_iov = bad;
		shared.message.msg_iov = shared.vector;
		shared.message.msg_name = bad;
		shared.message.msg_name = NULL;
		shared.message.msg_control = bad;
		shared.message.msg_control = shared.control;
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
		header->cmsg_len = (size_t)-1;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		shared.how.flags = O_RDWR;
		shared.clone.set_tid = (uintptr_t)bad;
		shared.clone.pidfd = (uintptr_t)bad;
		shared.request.aio_buf = (uintptr_t)bad;
		shared.request.aio_fildes = (uint32_t)fd;
		shared.request.aio_fildes = (uint32_t)shared.file;
		shared.request.aio_buf = (uintptr_t)shared.good;
		shared.request.aio_lio_opcode ^= IOCB_CMD_PREAD ^ IOCB_CMD_PREADV;
		shared.mask.set = bad;
		shared.mask.set = shared.good;
		shared.clone.set_tid = 0;
		shared.how.flags = O_RDONLY;
		shared.vector[1] = (struct iovec){ shared.good, ROOM };
	}
	return NULL;
}

/* Nothing but what the guest has itself may come out. */
static void check_output(int fd, char *got)
{
	ssize_t size;

	while ((size = read(fd, got, 4 * ROOM)) > 0) {
		for (ssize_t i = 0; i < size; i++) {
			if (got[i] != GOOD) {
				fail("another byte than the guest's came out");
			}
		}
	}
}

/* A descriptor that came with a message must be one of the guest's: 0, 1, 2 or the file. */
static void take_rights(int socket, const struct stat known[4])
{
	char got[ROOM * 2];
	char control[256];
	struct iovec part = { got, sizeof got };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	struct stat info;

	while (recvmsg(socket, &message, MSG_DONTWAIT) >= 0) {
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		bool is_known = false;
		int fd;

		message.msg_controllen = sizeof control;
		if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		memcpy(&fd, CMSG_DATA(header), sizeof fd);
		if (fstat(fd, &info) != 0) {
			continue;
		}
		for (int i = 0; i < 4; i++) {
			is_known = is_known || (known[i].st_dev == info.st_dev && known[i].st_ino == info.st_ino);
		}
		/* The pipe's and the sockets' own file systems hold nothing of the monitor's. */
		if (!is_known && !S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode)) {
			fail("a descriptor came out that the guest never had");
		}
		close(fd);
	}
}

/* A request to read into the monitor's memory, or to write what is there. */
static void race_request(aio_context_t context)
{
	struct iocb *list[2] = { &shared.request, &shared.request };
	struct io_event events[2];
	long count = syscall(SYS_io_submit, context, 2, list);

	for (long done = 0; done < count; done++) {
		if (syscall(SYS_io_getevents, context, 1, 1, events, NULL) != 1 ||
		    events[0].obj != (uintptr_t)&shared.request) {
			fail("an event is not of the guest's request");
		}
	}
}

static int race_structures(void)
{
	aio_context_t context = 0;
	pthread_t changer;
	struct stat known[4] = { 0 };
	struct timespec none = { 0, 0 };
	char got[4 * ROOM];
	int file = open("/tmp/hostile", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int ends[2];
	int pair[2];

	memset(shared.good, GOOD, sizeof shared.good);
	if (syscall(SYS_io_setup, 8, &context) != 0 || pipe2(ends, O_NONBLOCK) != 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) != 0) {
		fail("prepare");
	}
	for (int i = 0; i < 3; i++) {
		(void)fstat(i, &known[i]);
	}
	(void)fstat(file, &known[3]);
	*(struct cmsghdr *)shared.control = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	shared.vector[0] = (struct iovec){ shared.good, ROOM };
	shared.vector[1] = shared.vector[0];
	shared.message = (struct msghdr){ .msg_iov = shared.vector,
					  .msg_iovlen = 2,
					  .msg_control = shared.control,
					  .msg_controllen = CMSG_LEN(sizeof(int)) };
	shared.file = file;
	shared.request = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PREAD, .aio_nbytes = ROOM };
	shared.mask.size = 8;
	shared.clone = (struct clone_args){ .set_tid_size = 1, .exit_signal = SIGCHLD, .flags = CLONE_PIDFD };
	pthread_create(&changer, NULL, change_structures, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		long pid;

		(void)syscall(SYS_writev, ends[1], shared.vector, 2);
		check_output(ends[0], got);
		(void)syscall(SYS_sendmsg, pair[0], &shared.message, 0);
		take_rights(pair[1], known);
		(void)syscall(SYS_pwritev2, file, shared.vector, 2, 0, 0, 0);
		(void)syscall(SYS_vmsplice, ends[1], shared.vector, 2, SPLICE_F_NONBLOCK);
		check_output(ends[0], got);
		(void)lseek(file, 0, SEEK_SET);
		check_output(file, got);
		/* Into the monitor: it would not live on. */
		(void)syscall(SYS_preadv, file, shared.vector, 2, 0, 0);
		race_request(context);
		(void)write(pair[1], shared.good, ROOM);
		(void)syscall(SYS_recvmsg, pair[0], &shared.message, 0);
		shared.message.msg_controllen = CMSG_LEN(sizeof(int));
		shared.message.msg_namelen = 0;
		(void)syscall(SYS_pselect6, 0, NULL, NULL, NULL, &none, &shared.mask);
		close((int)syscall(SYS_openat2, AT_FDCWD, "/tmp/hostile", &shared.how, sizeof shared.how));
		if (i % 20 == 0) {
			pid = syscall(SYS_clone3, &shared.clone, sizeof shared.clone);
			if (pid == 0) {
				_exit(0);
			}
			if (pid > 0) {
				(void)waitpid((pid_t)pid, NULL, 0);
			}
		}
	}
	atomic_store(&shared.is_over, true);
	pthread_join(changer, NULL);
	for (int i = 0; i < ROOM; i++) {
		if (shared.good[i] != GOOD) {
			fail("a byte of the guest's own has changed");
		}
	}
	return 0;
}

static void *open_and_close(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&shared.is_over, memory_order_relaxed)) {
		close(open("/dev/null", O_RDONLY));
		close(dup(0));
	}
	return NULL;
}

/* Whatever is done to any number, the monitor's are EBADF.  By /proc they are not to be reached either: where the
 * monitor's image stands, the guest finds its own program. */
static void attack_number(int fd, int file)
{
	struct stat program = { 0 };
	struct stat info = { 0 };
	char path[64];
	int program_fd;
	void *at;

	program_fd = open("/proc/self/exe", O_RDONLY);
	(void)fstat(program_fd, &program);
	(void)close(program_fd);
	if (dup2(file, fd) == fd && close(fd) != 0) {
		fail("a duplicate cannot be closed");
	}
	for (int i = 0; i < 2; i++) {
		int held;

		snprintf(path, sizeof path, i == 0 ? "/proc/self/fd/%d" : "/proc/1/fd/%d", fd);
		held = open(path, O_RDWR);
		if (held >= 0 && (fstat(held, &info) != 0 || info.st_ino != program.st_ino)) {
			fail("a descriptor of the monitor has been opened by /proc");
		}
		(void)close(held);
	}
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED) {
		fail("a descriptor of the monitor has been mapped");
	}
	if (fcntl(fd, F_DUPFD, 0) >= 0 || fcntl(fd, F_SETFD, 0) >= 0 || dup(fd) >= 0 || close(fd) == 0) {
		fail("a descriptor of the monitor has been used");
	}
	if (syscall(SYS_openat, fd, "x", O_RDONLY) >= 0 || errno != EBADF) {
		fail("a descriptor of the monitor is a directory");
	}
	if (syscall(SYS_execveat, fd, "", (char *[]){ "x", NULL }, NULL, AT_EMPTY_PATH) == 0 || errno != EBADF) {
		fail("a descriptor of the monitor has been looked at to be executed");
	}
}

static int attack_descriptors(void)
{
	int file = open("/dev/null", O_RDWR);
	pthread_t other;
	int status;

	for (int fd = file + 1; fd < HIGHEST_FD; fd += fd < 64 || (fd > 4080 && fd < 4160) ? 1 : 61) {
		attack_number(fd, file);
	}
	pthread_create(&other, NULL, open_and_close, NULL);
	for (int i = 0; i < 20; i++) {
		if (syscall(SYS_close_range, 32, UINT32_MAX, 0) != 0) {
			fail("close_range");
		}
		/* A new machine, with descriptors of its own, over a copy of this one. */
		if (fork() == 0) {
			_exit(i);
		}
		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != i) {
			fail("a child did not end as it should");
		}
	}
	atomic_store(&shared.is_over, true);
	pthread_join(other, NULL);
	return 0;
}

static void on_flood(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (number == FLOODED && info->si_value.sival_int == GOOD) {
		atomic_fetch_add(&delivered, 1);
	}
}

static void flood(pid_t victim)
{
	union sigval value = { .sival_int = GOOD };

	for (int sent = 0; sent < EACH_CHILD;) {
		if (sigqueue(victim, FLOODED, value) == 0) {
			sent++;
		} else if (errno == EAGAIN) {
			sched_yield();
		} else {
			_exit(1);
		}
	}
	_exit(0);
}

static void *make_calls(void *arg)
{
	char byte;

	(void)arg;
	while (!atomic_load_explicit(&shared.is_over, memory_order_relaxed)) {
		(void)!read(-1, &byte, 1);
		(void)syscall(SYS_nanosleep, &(struct timespec){ 0, 1000 }, NULL);
	}
	return NULL;
}

static int survive_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_flood, .sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t victim = getpid();
	pthread_t threads[2];
	volatile int ended = 0;
	int status;

	(void)sigaction(FLOODED, &action, NULL);
	for (int i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, make_calls, NULL);
	}
	for (int i = 0; i < CHILDREN; i++) {
		if (fork() == 0) {
			flood(victim);
		}
		/* And one that executes a program in the middle of it. */
		if (i % 5 == 0 && vfork() == 0) {
			execl("/bin/true", "true", NULL);
			_exit(9);
		}
	}
	while (ended < CHILDREN + CHILDREN / 5) {
		if (wait(&status) > 0) {
			if (status != 0) {
				fail("a child did not end well");
			}
			ended++;
		}
	}
	atomic_store(&shared.is_over, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	if (atomic_load(&delivered) != CHILDREN * EACH_CHILD) {
		fail("signals were lost, or came twice");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} scenes[] = { { "structures", race_structures },
		       { "descriptors", attack_descriptors },
		       { "signals", survive_signals } };

	setvbuf(stdout, NULL, _IOLBF, 0);
	find_monitor();
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
		if (argc > 1 && strcmp(argv[1], scenes[i].name) == 0) {
			return scenes[i].run();
		}
	}
	return 99;
}
