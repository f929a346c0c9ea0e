/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile guest.  It looks up where the monitor lies, passes every call of the table pointers below, into, across
 * and beyond that, hides pointers in structures, uses the monitor's descriptors, and opens what leads into it.
 * Everything has to fail, with the errno that a program without a VM would see, and the guest has to live on.
 * Prints one line for each thing that did not, and "N attempts" at its end; the status is 1 when anything did not.
 *
 * table.inc is written by the test from specs/hypercalls.yaml: one initializer of struct served a line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/prctl.h>
#include <mqueue.h>
#include <net/if.h>
#include <net/route.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_END 0x200000000000ull
#define MAX_BAD   64

#define MEMORY_POLICY_AT 2ul /* MPOL_F_ADDR */

#define COUNT(all) (sizeof(all) / sizeof(all)[0])

enum kind { NUMBER = 'n', DESCRIPTOR = 'd', POINTER = 'p', VECTOR = 'v' };

#define ABOVE         0x200000000000ul /* what the guest has by itself ends here */
#define ADDRESSES_END 0x7ffffffff000ul

struct served {
	long nr;
	const char *name;
	const char *kinds; /* one letter an argument */
};

static const struct served table[] = {
#include "table.inc"
};

struct attack {
	uint64_t bad[MAX_BAD]; /* addresses that are not the guest's */
	size_t bads;
	unsigned attempts;
	unsigned failures;
	int fd;        /* a file with something in it */
	void *nothing; /* a page that is not there */
	int socket;    /* one end of a pair */
	int peer;
};

static void expect(struct attack *attack, bool holds, const char *what, uint64_t detail)
{
	attack->attempts++;
	if (!holds) {
		attack->failures++;
		printf("FAILED %s (%#llx): errno %d\n", what, (unsigned long long)detail, errno);
	}
}

/* The call has to fail. */
static void expect_failure(struct attack *attack, long result, const char *what, uint64_t detail)
{
	expect(attack, result == -1, what, detail);
}

/* The call has to fail with `error`. */
static void expect_error(struct attack *attack, long result, int error, const char *what, uint64_t detail)
{
	expect(attack, result == -1 && errno == error, what, detail);
}

/* Addresses below, at, across and beyond the arena's end, and those of the monitor's mappings: the test sees them
 * on the host and writes them to the standard input, one a line. */
static void find_monitor(struct attack *attack)
{
	const uint64_t fixed[] = {
		0x8000,         ARENA_END - 1,      ARENA_END,          ARENA_END + 0x1000,
		0x7ffffffff000, 0x8000000000000000, 0xffffffff81000000, UINT64_MAX - 7,
		UINT64_MAX,
	};
	char line[64];

	memcpy(attack->bad, fixed, sizeof fixed);
	attack->bads = COUNT(fixed);
	printf("ready\n");
	while (fgets(line, sizeof line, stdin) != NULL && attack->bads < MAX_BAD) {
		attack->bad[attack->bads++] = strtoull(line, NULL, 16);
	}
	expect(attack, attack->bads > COUNT(fixed), "no mapping of the monitor was found to attack", 0);
}

/* One call with `bad` as its argument number `at`, and the rest as good as can be. */
static long call_with(const struct attack *attack, const struct served *call, size_t at, uint64_t bad)
{
	static uint64_t room[8192];
	uint64_t arg[6] = { 0 };
	long result;

	memset(room, 0, sizeof room);
	(void)lseek(attack->fd, 0, SEEK_SET);
	for (size_t i = 0; call->kinds[i] != 0; i++) {
		/* 16 elements: more than one, so that the last byte of the arena is too few. */
		arg[i] = call->kinds[i] == NUMBER       ? 16
			 : call->kinds[i] == DESCRIPTOR ? (uint64_t)attack->fd
							: (uint64_t)(uintptr_t)room;
	}
	arg[at] = bad;
	result = syscall(call->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	(void)alarm(0);
	(void)setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	return result;
}

/* Every pointer of every call of the table.  Each has to fail with addresses that are not the guest's, or to come
 * to what it comes to with the address of a page that is not there: then it has not been looked at. */
static void attack_table(struct attack *attack)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		for (size_t at = 0; table[i].kinds[at] != 0; at++) {
			long reference;

			if (table[i].kinds[at] != POINTER && table[i].kinds[at] != VECTOR) {
				continue;
			}
			reference = call_with(attack, &table[i], at, (uint64_t)(uintptr_t)attack->nothing);
			for (size_t bad = 0; bad < attack->bads; bad++) {
				long result = call_with(attack, &table[i], at, attack->bad[bad]);

				expect(attack, result == -1 || result == reference, table[i].name,
				       attack->bad[bad]);
			}
		}
	}
}

/* The monitor's memory hidden in structures. */
static void attack_structures(struct attack *attack, void *bad)
{
	uint64_t where = (uint64_t)(uintptr_t)bad;
	static _Alignas(4096) char page[4096];
	char byte[64] = { 0 };
	struct iovec vector[2] = { { bad, 8 }, { bad, 8 } };
	struct iovec good = { byte, sizeof byte };
	struct msghdr message = { .msg_iov = vector, .msg_iovlen = 2 };
	struct mmsghdr several = { .msg_hdr = message };
	struct ifconf list = { .ifc_len = 64, .ifc_buf = bad };
	struct rtentry route = { .rt_dev = bad };
	struct sock_fprog filter = { .len = 1, .filter = bad };
	struct sigevent notice = { .sigev_notify = SIGEV_THREAD, .sigev_signo = attack->fd };
	struct {
		const void *set;
		size_t size;
	} mask = { bad, 8 };
	struct futex_waitv waiter = { .uaddr = where, .flags = 2 };
	struct timespec soon = { 0, 1000 };
	socklen_t size = 64;

	/* There is something to receive, and somebody who sent it. */
	for (int i = 0; i < 8; i++) {
		(void)!write(attack->peer, byte, sizeof byte);
	}
	expect_failure(attack, syscall(SYS_writev, attack->fd, vector, 2), "iovec", where);
	expect_failure(attack, syscall(SYS_sendmsg, attack->socket, &message, MSG_DONTWAIT), "sendmsg iov", where);
	expect_failure(attack, syscall(SYS_recvmsg, attack->socket, &message, MSG_DONTWAIT), "recvmsg iov", where);
	expect_failure(attack, syscall(SYS_sendmmsg, attack->socket, &several, 1, MSG_DONTWAIT), "sendmmsg", where);
	expect_failure(attack, syscall(SYS_recvmmsg, attack->socket, &several, 1, MSG_DONTWAIT, NULL), "recvmmsg",
		       where);
	message = (struct msghdr){ .msg_iov = &good, .msg_iovlen = 1, .msg_name = bad, .msg_namelen = 16 };
	expect_failure(attack, syscall(SYS_recvmsg, attack->socket, &message, MSG_DONTWAIT), "recvmsg name", where);
	message = (struct msghdr){ .msg_iov = &good, .msg_iovlen = 1, .msg_control = bad, .msg_controllen = 64 };
	/* The kernel receives without control data then. */
	expect(attack,
	       syscall(SYS_recvmsg, attack->socket, &message, MSG_DONTWAIT) == -1 || message.msg_controllen == 0,
	       "recvmsg control", where);
	message.msg_control = bad;
	message.msg_controllen = 64;
	expect_failure(attack, syscall(SYS_sendmsg, attack->socket, &message, MSG_DONTWAIT), "sendmsg control",
		       where);
	message = (struct msghdr){ .msg_iov = bad, .msg_iovlen = 1 };
	expect_failure(attack, syscall(SYS_sendmsg, attack->socket, &message, MSG_DONTWAIT), "sendmsg vector",
		       where);
	expect_failure(attack, syscall(SYS_ioctl, attack->socket, SIOCGIFCONF, &list), "SIOCGIFCONF", where);
	expect_failure(attack, syscall(SYS_ioctl, attack->socket, SIOCADDRT, &route), "SIOCADDRT", where);
	expect_failure(attack, syscall(SYS_ioctl, attack->socket, FIONREAD, bad), "FIONREAD", where);
	expect_failure(attack, syscall(SYS_ioctl, attack->socket, TCGETS, bad), "TCGETS", where);
	expect_failure(attack, syscall(SYS_fcntl, attack->fd, F_GETLK, bad), "F_GETLK", where);
	expect_failure(attack, syscall(SYS_fcntl, attack->fd, F_GETOWN_EX, bad), "F_GETOWN_EX", where);
	expect_failure(
		attack,
		syscall(SYS_setsockopt, attack->socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter),
		"SO_ATTACH_FILTER", where);
	expect_failure(attack, syscall(SYS_getsockopt, attack->socket, SOL_SOCKET, SO_TYPE, bad, &size), "SO_TYPE",
		       where);
	expect_failure(attack, syscall(SYS_getsockopt, attack->socket, SOL_SOCKET, SO_TYPE, byte, bad),
		       "size of SO_TYPE", where);
	notice.sigev_value.sival_ptr = bad;
	expect_failure(attack, syscall(SYS_mq_notify, attack->fd, &notice), "mq_notify", where);
	expect_failure(attack, syscall(SYS_pselect6, 0, NULL, NULL, NULL, &soon, &mask), "pselect6", where);
	expect_failure(attack, syscall(SYS_futex_waitv, &waiter, 1, 0, NULL, 0), "futex_waitv", where);
	expect_failure(attack, syscall(SYS_futex, byte, FUTEX_WAIT, 0, bad, NULL, 0), "futex timeout", where);
	expect_failure(attack, syscall(SYS_futex, byte, FUTEX_WAKE_OP, 0, 0, bad, 0), "FUTEX_WAKE_OP", where);
	expect_failure(attack, syscall(SYS_futex, byte, FUTEX_CMP_REQUEUE, 0, 0, bad, 0), "FUTEX_CMP_REQUEUE",
		       where);
	expect_failure(attack, syscall(SYS_prctl, PR_SET_NAME, bad), "PR_SET_NAME", where);
	expect_failure(attack, syscall(SYS_prctl, PR_GET_NAME, bad), "PR_GET_NAME", where);
	expect_failure(attack, syscall(SYS_prctl, PR_GET_PDEATHSIG, bad), "PR_GET_PDEATHSIG", where);
	expect_failure(attack, syscall(SYS_sched_setattr, 0, bad, 0), "sched_setattr", where);
	expect_failure(attack, syscall(SYS_mincore, page, 1, bad), "mincore", where);
	expect_failure(attack, syscall(SYS_execve, "/bin/true", bad, NULL), "execve arguments", where);
	expect_failure(attack, syscall(SYS_execve, "/bin/true", &vector[1], NULL), "execve argument", where);
}

static void attack_ipc(struct attack *attack, void *bad)
{
	uint64_t where = (uint64_t)(uintptr_t)bad;
	int memory = shmget(IPC_PRIVATE, 4096, 0600);
	int set = semget(IPC_PRIVATE, 3, 0600);
	int queue = msgget(IPC_PRIVATE, 0600);

	expect_failure(attack, syscall(SYS_shmctl, memory, IPC_STAT, bad), "shmctl", where);
	expect_failure(attack, syscall(SYS_semctl, set, 0, IPC_STAT, bad), "semctl", where);
	expect_failure(attack, syscall(SYS_semctl, set, 0, GETALL, bad), "semctl GETALL", where);
	expect_failure(attack, syscall(SYS_msgctl, queue, IPC_STAT, bad), "msgctl", where);
	expect_failure(attack, syscall(SYS_msgsnd, queue, bad, 8, IPC_NOWAIT), "msgsnd", where);
	expect_failure(attack, syscall(SYS_msgrcv, queue, bad, 8, 0, IPC_NOWAIT), "msgrcv", where);
	(void)shmctl(memory, IPC_RMID, NULL);
	(void)semctl(set, 0, IPC_RMID);
	(void)msgctl(queue, IPC_RMID, NULL);
}

static void attack_own_memory(struct attack *attack, uint64_t where)
{
	char byte = 0;
	struct iovec own = { &byte, 1 };
	struct iovec bad = { (void *)(uintptr_t)where, 1 };

	expect_error(attack, syscall(SYS_process_vm_readv, getpid(), &own, 1, &bad, 1, 0), EFAULT,
		     "process_vm_readv from the monitor", where);
	expect_error(attack, syscall(SYS_process_vm_readv, getpid(), &bad, 1, &own, 1, 0), EFAULT,
		     "process_vm_readv to the monitor", where);
	expect_error(attack, syscall(SYS_process_vm_writev, getpid(), &own, 1, &bad, 1, 0), EFAULT,
		     "process_vm_writev to the monitor", where);
	expect_error(attack, syscall(SYS_process_vm_writev, getpid(), &bad, 1, &own, 1, 0), EFAULT,
		     "process_vm_writev from the monitor", where);
	/* It looks where the page is, so that there has to be one. */
	expect_failure(attack, syscall(SYS_get_mempolicy, NULL, NULL, 0, where, MEMORY_POLICY_AT),
		       "get_mempolicy of the monitor", where);
}

/* Memory calls must not reach beyond the arena either. */
static void attack_mappings(struct attack *attack, uint64_t where)
{
	uint64_t page = where & ~0xfffull;
	long end = syscall(SYS_brk, 0);
	void *at;

	attack_own_memory(attack, where);
	errno = 0;
	at = mmap((void *)(uintptr_t)page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	expect(attack, at == MAP_FAILED, "mmap over the monitor", page);
	/* As where nothing is mapped; it would be the last attack if the monitor were gone. */
	expect(attack, munmap((void *)(uintptr_t)page, 4096) == (page < ADDRESSES_END ? 0 : -1),
	       "munmap of the monitor", page);
	expect(attack, munmap((void *)ABOVE, ADDRESSES_END - ABOVE) == 0, "munmap of everything above", page);
	expect(attack, mprotect((void *)(uintptr_t)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == -1,
	       "mprotect of the monitor", page);
	expect(attack, mremap((void *)(uintptr_t)page, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED,
	       "mremap of the monitor", page);
	expect(attack, madvise((void *)(uintptr_t)page, 4096, MADV_DONTNEED) == -1, "madvise of the monitor", page);
	expect(attack, syscall(SYS_brk, page) == end, "brk into the monitor", page);
}

/* The descriptors that the guest sees must be those that it opened: 0 to 2 and its own. */
static void attack_descriptors(struct attack *attack)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte = 0;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	for (int fd = 3; fd < 70000; fd++) {
		if (fd == attack->fd || fd == attack->socket || fd == attack->peer) {
			continue;
		}
		expect_error(attack, syscall(SYS_fcntl, fd, F_GETFD, 0), EBADF,
			     "a descriptor that the guest did not open", (uint64_t)fd);
		if (fd > 8192) {
			fd += 61;
		}
	}
	for (int fd = 3; fd < 5000; fd++) {
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		if (fd == attack->fd || fd == attack->socket || fd == attack->peer) {
			continue;
		}
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		expect_error(attack, syscall(SYS_sendmsg, attack->socket, &message, MSG_DONTWAIT), EBADF,
			     "SCM_RIGHTS with the monitor's descriptor", (uint64_t)fd);
		expect_error(attack, syscall(SYS_ioctl, fd, KVM_GET_API_VERSION, 0), EBADF, "KVM_GET_API_VERSION",
			     (uint64_t)fd);
	}
	expect(attack, syscall(SYS_close_range, 16, UINT32_MAX, 0) == 0, "close_range", 0);
}

static void expect_no_open(struct attack *attack, const char *path, int flags)
{
	int fd = open(path, flags);

	expect(attack, fd < 0, path, (uint64_t)flags);
	if (fd >= 0) {
		(void)close(fd);
	}
}

/* Every way to the monitor's memory that leads through a file. */
static void attack_files(struct attack *attack)
{
	static const char *const memories[] = { "/proc/self/mem", "/proc/thread-self/mem", "/proc/1/mem",
						"/proc/self/task/../mem", "/proc/self/root/proc/self/mem" };
	char path[64];
	char here[4] = { 0 };
	int process = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int held = open("/proc/self/mem", O_PATH | O_CLOEXEC);
	int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < COUNT(memories); i++) {
		expect_no_open(attack, memories[i], O_RDWR);
		expect_no_open(attack, memories[i], O_RDONLY);
		expect_no_open(attack, memories[i], O_RDWR | O_CREAT);
	}
	expect_error(attack, openat(process, "mem", O_RDWR), EACCES, "mem below /proc/self", 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", held);
	expect_no_open(attack, path, O_RDWR);
	(void)unlink("/tmp/hostile-link");
	expect(attack, symlink("/proc/self/mem", "/tmp/hostile-link") == 0, "symlink", 0);
	expect_no_open(attack, "/tmp/hostile-link", O_RDWR);
	expect_no_open(attack, "/tmp/hostile-link", O_RDWR | O_CREAT);
	(void)unlink("/tmp/hostile-link");
	expect_no_open(attack, "/dev/kvm", O_RDWR);
	/* /proc/self/exe is the guest's own program, which ends with this name. */
	expect(attack, program >= 0 && read(program, here, sizeof here) == 4 && memcmp(here, "\177ELF", 4) == 0,
	       "/proc/self/exe cannot be read", 0);
	(void)close(process);
	(void)close(held);
	(void)close(program);
}

static void attack_privileges(struct attack *attack)
{
	struct iovec vector = { &vector, 8 };
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	expect_error(attack, syscall(SYS_ptrace, 0, 0, 0, 0), EPERM, "ptrace", 0);
	expect_error(attack, syscall(SYS_process_vm_readv, child, &vector, 1, &vector, 1, 0), EPERM,
		     "process_vm_readv of another process", 0);
	expect_error(attack, syscall(SYS_process_vm_writev, child, &vector, 1, &vector, 1, 0), EPERM,
		     "process_vm_writev of another process", 0);
	kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	expect_error(attack, syscall(SYS_prctl, PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0), EPERM, "PR_SET_MM", 0);
	expect_error(attack, syscall(SYS_io_uring_setup, 8, &vector), ENOSYS, "io_uring_setup", 0);
	expect_error(attack, syscall(SYS_read | 0x40000000, 0, &vector, 0), ENOSYS, "an x32 call", 0);
	expect_error(attack, syscall(-1), ENOSYS, "call -1", 0);
	expect_error(attack, syscall(100000), ENOSYS, "call 100000", 0);
}

int main(void)
{
	struct attack attack = { .attempts = 0 };
	int pair[2];

	setvbuf(stdout, NULL, _IOLBF, 0);
	find_monitor(&attack);
	attack.fd = open("/tmp/hostile-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	attack.nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (attack.fd < 0 || ftruncate(attack.fd, 65536) < 0 || attack.nothing == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) < 0) {
		perror("prepare");
		return 2;
	}
	/* A name of its own choice, so that there is one to be written. */
	(void)setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int));
	(void)bind(pair[1], &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t));
	attack.socket = pair[0];
	attack.peer = pair[1];
	attack_table(&attack);
	for (size_t i = 0; i < attack.bads; i++) {
		attack_structures(&attack, (void *)(uintptr_t)attack.bad[i]);
		attack_ipc(&attack, (void *)(uintptr_t)attack.bad[i]);
		if (attack.bad[i] >= ARENA_END) {
			attack_mappings(&attack, attack.bad[i]);
		}
	}
	attack_descriptors(&attack);
	attack_files(&attack);
	attack_privileges(&attack);
	printf("%u attempts\n", attack.attempts);
	return attack.failures == 0 ? 0 : 1;
}
