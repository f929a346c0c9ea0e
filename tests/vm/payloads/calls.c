/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * System calls whose arguments depend on a command or hold pointers, used rightly.  The first argument names the
 * scene; what it prints has to be the same on a kernel and in the monitor.
 */
#define _GNU_SOURCE
#include "scenes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* The result of a call, with its errno when it failed. */
static long show(const char *what, long result)
{
	if (result >= 0) {
		printf("%s: %ld\n", what, result);
	} else {
		printf("%s: %s\n", what, strerrorname_np(errno));
	}
	return result;
}

/* Only whether it succeeded, where the number is the machine's own. */
static long show_success(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "success" : strerrorname_np(errno));
	return result;
}

static void files(void)
{
	char text[8] = { 0 };
	struct iovec parts[2] = { { text, 2 }, { text + 2, 4 } };
	struct stat status;
	struct open_how_like {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY, 0, 0 };
	int fd;

	show("mkdir", mkdir("/tmp/calls", 0755));
	show("chdir", chdir("/tmp/calls"));
	umask(022);
	fd = (int)show("create", open("a", O_RDWR | O_CREAT, 0666));
	show("create again", open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
	show("write", write(fd, "hello!", 6));
	show("pread", pread(fd, text, 3, 1));
	printf("%s\n", text);
	lseek(fd, 0, SEEK_SET);
	show("readv", readv(fd, parts, 2));
	printf("%.6s\n", text);
	show("pwritev", pwritev(fd, parts, 2, 6));
	show("lowest", dup(fd));
	close(4);
	show("lowest after close", open("/dev/null", O_RDONLY));
	close(4);
	show("symlink", symlink("nowhere", "dangling"));
	show("create through a dangling link", open("dangling", O_RDWR | O_CREAT, 0600));
	show("its target", stat("nowhere", &status));
	close(4);
	show("nofollow", open("dangling", O_RDONLY | O_NOFOLLOW));
	show("create on a directory", open("/tmp", O_RDONLY | O_CREAT, 0600));
	show("write to a directory", open("/tmp", O_RDWR));
	show("directory", open("a", O_RDONLY | O_DIRECTORY));
	show("truncating", open("a", O_RDWR | O_TRUNC));
	close(4);
	fstat(fd, &status);
	printf("size %ld mode %o\n", (long)status.st_size, status.st_mode);
	show("no such", open("missing", O_RDONLY));
	show("through a file", open("a/b", O_RDONLY));
	show("empty", open("", O_RDONLY));
	show("loop", symlink("loop", "loop"));
	show("open loop", open("loop", O_RDONLY));
	show("create loop", open("loop", O_RDWR | O_CREAT, 0600));
	show("tmpfile", open("/tmp", O_RDWR | O_TMPFILE, 0600));
	close(4);
	show("path", open("a", O_PATH));
	show("read of a path", read(4, text, 1));
	show("fstat of a path", fstat(4, &status));
	close(4);
	show("openat2", syscall(SYS_openat2, AT_FDCWD, "a", &how, sizeof how));
	close(4);
	how.resolve = 0x08; /* RESOLVE_BENEATH */
	show("openat2 beneath", syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how));
	how.flags = 1ull << 40;
	show("openat2 flags", syscall(SYS_openat2, AT_FDCWD, "a", &how, sizeof how));
	show("openat2 size", syscall(SYS_openat2, AT_FDCWD, "a", &how, 8));
	show("mkfifo", mkfifo("fifo", 0600));
	show("fifo without a writer", open("fifo", O_RDONLY | O_NONBLOCK));
	show("fifo without a reader", open("missing-fifo", O_WRONLY | O_NONBLOCK));
	close(4);
	show("rename", rename("a", "b"));
	show("linkat", linkat(AT_FDCWD, "b", AT_FDCWD, "c", 0));
	show("access", access("c", R_OK));
	show("utimensat", utimensat(AT_FDCWD, "c", NULL, 0));
	show("unlink", unlink("c"));
	show("fallocate", fallocate(fd, 0, 0, 4096));
}

/* A record lock of the process has to survive the opening of its file. */
static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
	int other = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
	int status;

	show("lock", fcntl(fd, F_SETLK, &lock));
	show("open again", other);
	show("and once more", open("/tmp/locked", O_RDWR | O_CREAT, 0600));
	fflush(stdout);
	if (fork() == 0) {
		lock.l_type = F_WRLCK;
		show("child asks", fcntl(other, F_GETLK, &lock));
		printf("held: %s\n", lock.l_type == F_UNLCK ? "no" : "yes");
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
}

static void descriptors(void)
{
	struct f_owner_ex owner = { F_OWNER_PID, getpid() };
	int number = -1;
	int pair[2];

	show("F_DUPFD", fcntl(1, F_DUPFD, 100));
	show("F_GETFD", fcntl(100, F_GETFD));
	show("F_SETFD", fcntl(100, F_SETFD, FD_CLOEXEC));
	show("F_GETFD", fcntl(100, F_GETFD));
	show("close_range", syscall(SYS_close_range, 50, 150, 0));
	show("F_GETFD", fcntl(100, F_GETFD));
	show("close_range backwards", syscall(SYS_close_range, 150, 50, 0));
	show("dup2", dup2(1, 77));
	show("dup3 same", dup3(1, 1, 0));
	show("close_range to the end", syscall(SYS_close_range, 3, ~0u, 0));
	show("write to stderr", write(2, "", 0));
	show("pipe", pipe(pair));
	show("F_SETPIPE_SZ", fcntl(pair[0], F_SETPIPE_SZ, 65536));
	show("F_SETOWN_EX", fcntl(pair[0], F_SETOWN_EX, &owner));
	show("F_GETOWN_EX", fcntl(pair[0], F_GETOWN_EX, &owner));
	show("unknown", fcntl(pair[0], 4242, 0));
	show("write", write(pair[1], "12345", 5));
	show("FIONREAD", ioctl(pair[0], FIONREAD, &number));
	printf("%d\n", number);
	show("FIONBIO", ioctl(pair[0], FIONBIO, &(int){ 1 }));
	show("FIOCLEX", ioctl(pair[0], FIOCLEX));
	show("TCGETS", ioctl(pair[0], TCGETS, &(struct termios){ 0 }));
	show("unknown", ioctl(pair[0], 0xdeadbeef, 0));
	show("closed", ioctl(99, FIONREAD, &number));
}

static void sockets(void)
{
	char byte = 'x';
	char got[16] = { 0 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec vector = { &byte, 1 };
	struct iovec into = { got, sizeof got };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	struct mmsghdr several[3] = { 0 };
	char list[64];
	struct timespec soon = { 0, 50000000 };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un name;
	struct ifreq interface = { .ifr_name = "lo" };
	socklen_t size = sizeof address;
	int on = 1;
	int pair[2];
	int server;
	int client;

	show("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	memcpy(CMSG_DATA(&control.header), &pair[0], sizeof(int));
	show("sendmsg", sendmsg(pair[0], &message, 0));
	message.msg_iov = &into;
	show("recvmsg", recvmsg(pair[1], &message, 0));
	printf("%s, control %zu, flags %#x\n", got, message.msg_controllen, message.msg_flags);
	for (size_t i = 0; i < COUNT(several); i++) {
		several[i].msg_hdr = (struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 };
	}
	show("sendmmsg", sendmmsg(pair[0], several, 3, 0));
	printf("%u %u %u\n", several[0].msg_len, several[1].msg_len, several[2].msg_len);
	show("recvmmsg", recvmmsg(pair[1], several, 3, MSG_WAITFORONE, NULL));
	show("recvmmsg of nothing", recvmmsg(pair[1], several, 3, MSG_DONTWAIT, &soon));
	size = sizeof name;
	show("getsockname", getsockname(pair[0], (struct sockaddr *)&name, &size));
	printf("%u\n", size);
	server = socket(AF_INET, SOCK_STREAM, 0);
	show("SO_REUSEADDR", setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	size = sizeof on;
	show("TCP_NODELAY", getsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, &size));
	printf("%d of %u\n", on, size);
	size = 1;
	show("short option", getsockopt(server, SOL_SOCKET, SO_TYPE, &on, &size));
	show_success("TCP_INFO", getsockopt(server, IPPROTO_TCP, TCP_INFO, list, &(socklen_t){ sizeof list }));
	show("bind", bind(server, (struct sockaddr *)&address, sizeof address));
	show("listen", listen(server, 1));
	size = sizeof address;
	show("getsockname", getsockname(server, (struct sockaddr *)&address, &size));
	client = socket(AF_INET, SOCK_STREAM, 0);
	show("connect", connect(client, (struct sockaddr *)&address, size));
	show("accept", accept(server, NULL, NULL));
	show("recvfrom", recvfrom(client, got, sizeof got, MSG_DONTWAIT, NULL, NULL));
	show("SIOCGIFFLAGS", ioctl(client, SIOCGIFFLAGS, &interface));
	printf("up %d\n", (interface.ifr_flags & IFF_UP) != 0);
	show("shutdown", shutdown(client, SHUT_RDWR));
}

static void waits(void)
{
	struct timespec soon = { 0, 1000000 };
	struct timeval late = { 0, 1000 };
	struct itimerspec timer = { .it_value = { 0, 1000000 } };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x123456789abcdef };
	sigset_t mask;
	struct pollfd fds[2];
	struct signalfd_siginfo info;
	uint64_t count = 3;
	fd_set set;
	int event_fd = eventfd(0, EFD_NONBLOCK);
	int timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
	int epoll = epoll_create1(0);
	int signal_fd;

	show("eventfd", read(event_fd, &count, 8));
	count = 3;
	show("eventfd", write(event_fd, &count, 8));
	fds[0] = (struct pollfd){ event_fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ 4000, POLLIN, 0 };
	show("poll", poll(fds, 2, 0));
	printf("%#x %#x\n", fds[0].revents, fds[1].revents);
	sigfillset(&mask);
	show("ppoll", ppoll(fds, 1, &soon, &mask));
	FD_ZERO(&set);
	FD_SET(event_fd, &set);
	show("select", select(event_fd + 1, &set, NULL, NULL, &late));
	FD_ZERO(&set);
	show("pselect", pselect(0, &set, NULL, NULL, &soon, &mask));
	show("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, event_fd, &event));
	event.data.u64 = 0;
	show("epoll_pwait", epoll_pwait(epoll, &event, 1, 100, &mask));
	printf("%#lx\n", (unsigned long)event.data.u64);
	show("timerfd", timerfd_settime(timer_fd, 0, &timer, NULL));
	show("its read", read(timer_fd, &count, 8));
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal_fd = signalfd(-1, &mask, 0);
	raise(SIGUSR1);
	show("signalfd", read(signal_fd, &info, sizeof info));
	printf("%u\n", info.ssi_signo);
	raise(SIGUSR1);
	show("sigtimedwait", sigtimedwait(&mask, NULL, &soon));
	show("sigtimedwait of nothing", sigtimedwait(&mask, NULL, &soon));
	show("nanosleep", nanosleep(&soon, NULL));
	show("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL));
	show("inotify", inotify_add_watch(inotify_init1(0), "/tmp", IN_CREATE));
}

static void on_signal(int number)
{
	(void)number;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct timespec long_time = { 5, 0 };
	struct timespec left = { 0, 0 };
	char byte;
	int pair[2];

	show("pipe", pipe(pair));
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	show("read", read(pair[0], &byte, 1));
	setitimer(ITIMER_REAL, &soon, NULL);
	show("nanosleep", nanosleep(&long_time, &left));
	printf("left %ld\n", (long)left.tv_sec);
	setitimer(ITIMER_REAL, &soon, NULL);
	show("poll", poll(NULL, 0, 5000));
	setitimer(ITIMER_REAL, &soon, NULL);
	show("pause", pause());
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	show("poll with SA_RESTART", poll(NULL, 0, 5000));
	setitimer(ITIMER_REAL, &soon, NULL);
	show("epoll_wait with SA_RESTART", epoll_wait(epoll_create1(0), &(struct epoll_event){ 0 }, 1, 5000));
	fflush(stdout);
	if (fork() == 0) {
		usleep(60000);
		_exit(write(pair[1], "x", 1) == 1 ? 0 : 1);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	show("read with SA_RESTART", read(pair[0], &byte, 1));
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	show_success("wait", wait(NULL));
}

static void ipc(void)
{
	struct {
		long type;
		char text[8];
	} message = { 5, "hello" };
	struct sembuf up = { 1, 2, 0 };
	unsigned short values[3] = { 1, 2, 3 };
	struct msqid_ds queue_status;
	struct shmid_ds memory_status;
	struct mq_attr attributes = { .mq_maxmsg = 3, .mq_msgsize = 8 };
	int queue = msgget(IPC_PRIVATE, 0600);
	int set = semget(IPC_PRIVATE, 3, 0600);
	int memory = shmget(IPC_PRIVATE, 10000, 0600);
	char *first = shmat(memory, NULL, 0);
	char *second = shmat(memory, NULL, SHM_RDONLY);
	mqd_t posix;
	char got[8] = { 0 };

	show("msgsnd", msgsnd(queue, &message, 8, 0));
	show("IPC_STAT", msgctl(queue, IPC_STAT, &queue_status));
	printf("%lu\n", queue_status.msg_qnum);
	show("msgrcv", msgrcv(queue, &message, 8, 5, 0));
	show("msgrcv of nothing", msgrcv(queue, &message, 8, 5, IPC_NOWAIT));
	show("SETALL", semctl(set, 0, SETALL, values));
	show("semop", semop(set, &up, 1));
	memset(values, 0, sizeof values);
	show("GETALL", semctl(set, 0, GETALL, values));
	printf("%d %d %d\n", values[0], values[1], values[2]);
	show("GETVAL", semctl(set, 1, GETVAL));
	strcpy(first, "shared");
	printf("%s\n", second);
	show("IPC_STAT", shmctl(memory, IPC_STAT, &memory_status));
	printf("%lu attached\n", memory_status.shm_nattch);
	show("shmdt", shmdt(first));
	printf("%s\n", second);
	show("shmdt", shmdt(second));
	show("shmdt again", shmdt(second));
	show("msgctl", msgctl(queue, IPC_RMID, NULL));
	show("semctl", semctl(set, 0, IPC_RMID));
	show("shmctl", shmctl(memory, IPC_RMID, NULL));
	posix = mq_open("/calls", O_RDWR | O_CREAT, 0600, &attributes);
	show_success("mq_open", posix);
	show("mq_send", mq_send(posix, "abc", 3, 1));
	show("mq_receive", mq_receive(posix, got, sizeof got, NULL));
	show("mq_unlink", mq_unlink("/calls"));
}

static uint32_t word;

static void *wake(void *nothing)
{
	usleep(20000);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
	return nothing;
}

static void *die_holding(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

static void futexes(void)
{
	struct timespec soon = { 0, 1000000 };
	pthread_mutexattr_t robust;
	pthread_mutex_t mutex;
	pthread_t thread;
	void *head;
	size_t size;

	show("wrong value", syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0));
	show("timeout", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &soon, NULL, 0));
	show("wake nobody", syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0));
	show("WAKE_OP", syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &word, 0));
	word = 0;
	pthread_create(&thread, NULL, wake, NULL);
	while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) {
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	pthread_join(thread, NULL);
	show("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &size));
	printf("%zu, %s\n", size, head != NULL ? "set" : "not set");
	pthread_mutexattr_init(&robust);
	pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mutex, &robust);
	pthread_create(&thread, NULL, die_holding, &mutex);
	pthread_join(thread, NULL);
	printf("robust mutex: %s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
	printf("consistent: %d\n", pthread_mutex_consistent(&mutex));
	printf("unlock: %d\n", pthread_mutex_unlock(&mutex));
}

static void process(void)
{
	char name[16] = { 0 };
	int number = -1;
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = { .size = 48, .nice = 5 };

	show("PR_SET_NAME", prctl(PR_SET_NAME, "a name that is too long"));
	show("PR_GET_NAME", prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	show("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGTERM));
	show("PR_GET_PDEATHSIG", prctl(PR_GET_PDEATHSIG, &number));
	printf("%d\n", number);
	show("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, 0));
	show("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE));
	show("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0));
	show("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE));
	show("PR_SET_DUMPABLE 2", prctl(PR_SET_DUMPABLE, 2));
	show("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show("PR_CAPBSET_READ", prctl(PR_CAPBSET_READ, 0));
	show("PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1));
	show("PR_GET_CHILD_SUBREAPER", prctl(PR_GET_CHILD_SUBREAPER, &number));
	printf("%d\n", number);
	show("unknown", prctl(4242, 0, 0, 0, 0));
	show("sched_setattr", syscall(SYS_sched_setattr, 0, &attributes, 0));
	show("getpriority", getpriority(0, 0));
	attributes.size = 8;
	show("sched_setattr of 8 bytes", syscall(SYS_sched_setattr, 0, &attributes, 0));
	show("getuid", getuid());
	show("getpid is gettid", getpid() == gettid());
	show("getgroups", syscall(SYS_getgroups, 0, NULL));
	show_success("getrandom", syscall(SYS_getrandom, name, 8, 0));
	show("unknown call", syscall(500));
}

static void extended(void)
{
	static _Alignas(4096) char pages[8192];
	unsigned char in_memory[2] = { 0 };
	char value[8] = { 0 };
	char list[64] = { 0 };
	int fd = open("/tmp/extended", O_RDWR | O_CREAT, 0600);

	(void)fsetxattr(fd, "user.a", "1234", 4, 0);
	(void)getxattr("/tmp/extended", "user.missing", value, sizeof value);
	show("listxattr", listxattr("/tmp/missing", list, sizeof list));
	pages[0] = pages[4096] = 1;
	show("mincore", mincore(pages, sizeof pages, in_memory));
	printf("%d %d\n", in_memory[0] & 1, in_memory[1] & 1);
	show("mincore unaligned", mincore(pages + 1, 1, in_memory));
	show("madvise", madvise(pages, sizeof pages, MADV_DONTNEED));
	printf("%d\n", pages[0]);
	show("msync of nothing", msync((void *)0x100000, 4096, MS_ASYNC));
	show("mlock", mlock(pages, 4096));
	show("munlock", munlock(pages, 4096));
	show("pkey_mprotect", pkey_mprotect(pages, 4096, PROT_READ, -1));
	show("copy_file_range", write(fd, "0123456789", 10));
	show("copy_file_range", copy_file_range(fd, &(off_t){ 2 }, fd, &(off_t){ 20 }, 5, 0));
	show("size", lseek(fd, 0, SEEK_END));
	show("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, "/tmp/missing", pages, pages, 0));
}

int main(int argc, char **argv)
{
	static const struct scene scenes[] = {
		{ "files", files },       { "locks", locks },     { "descriptors", descriptors },
		{ "sockets", sockets },   { "waits", waits },     { "interrupted", interrupted },
		{ "ipc", ipc },           { "futexes", futexes }, { "process", process },
		{ "extended", extended }, { NULL, NULL },
	};

	return play_scene(scenes, argc, argv);
}
