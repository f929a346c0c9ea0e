/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Children by clone that share some of what is their parent's, and go on beside it.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES 65536
#define CHILDREN    8

static volatile int word;
static char stacks[CHILDREN][STACK_BYTES] __attribute__((aligned(16)));

static void nap(void)
{
	const struct timespec time = { 0, 1000000 };

	nanosleep(&time, NULL);
}

static pid_t start(int (*child)(void *), int flags, void *argument)
{
	return clone(child, stacks[0] + STACK_BYTES, flags | SIGCHLD, argument);
}

static int status_of(pid_t child)
{
	int status = -1;

	EXPECT(child > 0 && waitpid(child, &status, 0) == child);
	return status;
}

static int set_word(void *value)
{
	word = (int)(intptr_t)value;
	return 7;
}

static int child_runs_beside_its_parent_child(void *argument)
{
	(void)argument;
	word = 1;
	while (word != 2) {
		nap();
	}
	word = 3;
	while (word != 4) {
		nap();
	}
	return getppid() == 1 ? 1 : 5;
}

static int child_runs_beside_its_parent(void)
{
	pid_t child = start(child_runs_beside_its_parent_child, CLONE_VM, NULL);

	for (int next = 1; next < 4; next += 2) {
		while (word != next) {
			nap();
		}
		word = next + 1;
	}
	EXPECT(WEXITSTATUS(status_of(child)) == 5);
	return 0;
}

static int map_and_write(void *argument)
{
	char **mapped = argument;

	*mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(*mapped + 70000, "the child's");
	return 0;
}

static int mappings_are_shared(void)
{
	char *mapped = NULL;

	EXPECT(status_of(start(map_and_write, CLONE_VM, &mapped)) == 0);
	EXPECT(strcmp(mapped + 70000, "the child's") == 0 && munmap(mapped, 1 << 20) == 0);
	return 0;
}

static int many_at_once_child(void *argument)
{
	volatile int *counter = argument;

	for (int i = 0; i < 1000; i++) {
		__atomic_fetch_add((int *)argument, 1, __ATOMIC_SEQ_CST);
		if (i % 100 == 0) {
			char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			page[7] = 7;
			munmap(page, 4096);
		}
	}
	return *counter > 0 ? 0 : 1;
}

static int many_at_once(void)
{
	for (int round = 0; round < 5; round++) {
		pid_t child[CHILDREN];
		int counter = 0;

		for (int i = 0; i < CHILDREN; i++) {
			child[i] = clone(many_at_once_child, stacks[i] + STACK_BYTES, CLONE_VM | SIGCHLD, &counter);
		}
		for (int i = 0; i < CHILDREN; i++) {
			EXPECT(status_of(child[i]) == 0);
		}
		EXPECT(counter == CHILDREN * 1000);
	}
	return 0;
}

static int spin(void *argument)
{
	word = 1;
	for (;;) {
		(void)getppid();
	}
	return argument != NULL;
}

static int killed_child_leaves_the_parent_alone(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t child;

		word = 0;
		child = start(spin, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND, NULL);
		while (word == 0) {
			nap();
		}
		EXPECT(kill(child, SIGKILL) == 0 && WTERMSIG(status_of(child)) == SIGKILL);
	}
	EXPECT(WEXITSTATUS(status_of(start(set_word, CLONE_VM, (void *)9))) == 7 && word == 9);
	return 0;
}

static int fault(void *argument)
{
	*(volatile int *)argument = 1;
	return 0;
}

static int fault_ends_the_child_alone(void)
{
	EXPECT(WTERMSIG(status_of(start(fault, CLONE_VM, NULL))) == SIGSEGV);
	EXPECT(WEXITSTATUS(status_of(start(set_word, CLONE_VM, (void *)9))) == 7 && word == 9);
	return 0;
}

static int close_descriptor(void *argument)
{
	int fd = *(int *)argument;

	*(int *)argument = open("/dev/null", O_RDONLY);
	close(fd);
	return 0;
}

static int descriptors_are_shared_on_demand(void)
{
	int fds[2];
	int given;

	EXPECT(pipe(fds) == 0);
	given = fds[0];
	EXPECT(status_of(start(close_descriptor, CLONE_VM, &given)) == 0);
	EXPECT(fcntl(fds[0], F_GETFD) == 0 && fcntl(given, F_GETFD) == -1);
	given = fds[0];
	EXPECT(status_of(start(close_descriptor, CLONE_VM | CLONE_FILES, &given)) == 0);
	EXPECT(fcntl(fds[0], F_GETFD) == -1 && fcntl(given, F_GETFD) == 0);
	return 0;
}

static int change_directory(void *argument)
{
	return chdir(argument) == 0 ? 0 : 1;
}

static int is_in(const char *directory)
{
	char path[64];

	return getcwd(path, sizeof path) != NULL && strcmp(path, directory) == 0;
}

static int directory_is_shared_on_demand(void)
{
	EXPECT(chdir("/") == 0);
	for (int flags = 0; flags <= CLONE_VM; flags += CLONE_VM) {
		EXPECT(status_of(start(change_directory, flags, "/dev")) == 0 && is_in("/"));
		EXPECT(status_of(start(change_directory, flags | CLONE_FS, "/dev")) == 0 && is_in("/dev"));
		EXPECT(chdir("/") == 0);
	}
	return 0;
}

static void note(int number)
{
	word = number;
}

static int handle_signal(void *argument)
{
	(void)argument;
	return signal(SIGUSR1, note) == SIG_IGN ? 0 : 1;
}

static int handlers_are_shared_on_demand(void)
{
	word = 0;
	signal(SIGUSR1, SIG_IGN);
	EXPECT(status_of(start(handle_signal, CLONE_VM, NULL)) == 0);
	raise(SIGUSR1);
	EXPECT(word == 0);
	EXPECT(status_of(start(handle_signal, CLONE_VM | CLONE_SIGHAND, NULL)) == 0);
	raise(SIGUSR1);
	EXPECT(word == SIGUSR1);
	return 0;
}

static int wait_for_signal(void *argument)
{
	struct sigaction action = { .sa_handler = note };

	(void)argument;
	sigaction(SIGUSR2, &action, NULL);
	word = 1;
	pause();
	return word;
}

static int child_is_signalled(void)
{
	pid_t child = start(wait_for_signal, CLONE_VM, NULL);

	while (word != 1) {
		nap();
	}
	/* Until it is in the pause, the signal is only noted. */
	while (waitpid(child, NULL, WNOHANG) == 0) {
		kill(child, SIGUSR2);
		nap();
	}
	EXPECT(word == SIGUSR2);
	return 0;
}

static int numbers_are_told(void)
{
	pid_t parents = 0;
	pid_t childs = -1;
	pid_t child = clone(set_word, stacks[0] + STACK_BYTES,
			    CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
			    (void *)5, &parents, NULL, &childs);

	EXPECT(child > 0 && parents == child);
	while (__atomic_load_n(&childs, __ATOMIC_SEQ_CST) != 0) {
		pid_t seen = __atomic_load_n(&childs, __ATOMIC_SEQ_CST);

		if (seen != 0) {
			syscall(SYS_futex, &childs, FUTEX_WAIT, seen, NULL, NULL, 0);
		}
	}
	EXPECT(WEXITSTATUS(status_of(child)) == 7 && word == 5);
	return 0;
}

static int pidfd_is_of_the_child(void)
{
	int pidfd = -1;
	pid_t child = clone(set_word, stacks[0] + STACK_BYTES, CLONE_VM | CLONE_PIDFD | SIGCHLD, (void *)5, &pidfd);
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;

	EXPECT(child > 0 && pidfd >= 0 && poll(&gone, 1, 10000) == 1);
	EXPECT(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0 && info.si_pid == child && info.si_status == 7);
	return 0;
}

static int execute(void *argument)
{
	char *const args[] = { argument, "succeed", NULL };

	execv("/proc/self/exe", args);
	return 99;
}

/* What clone takes and clone3 refuses. */
static int flags_without_a_meaning_are_taken(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, 200, 0, 0, 0, 0);
	int pidfd;
	int status;

	if (child == 0) {
		_exit(4);
	}
	EXPECT(child > 0 && waitpid(child, NULL, 0) == -1 && errno == ECHILD);
	EXPECT(waitpid(child, NULL, __WCLONE) == child);
	child = fork();
	if (child == 0) {
		child = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
		if (child == 0) {
			_exit(5);
		}
		_exit(child > 0 ? 0 : 1);
	}
	EXPECT(status_of(child) == 0);
	EXPECT(wait(&status) > 0 && WEXITSTATUS(status) == 5);
	EXPECT(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &pidfd, 0, 0) == -1 &&
	       errno == EINVAL);
	return 0;
}

static int child_executes(void)
{
	const int flags[] = { CLONE_VM, CLONE_VM | CLONE_FILES | CLONE_FS, CLONE_VM | CLONE_VFORK | CLONE_FILES };

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		for (int times = 0; times < 3; times++) {
			EXPECT(WEXITSTATUS(status_of(start(execute, flags[i], "share"))) == 33);
		}
	}
	EXPECT(fcntl(0, F_GETFD) >= 0 && fcntl(3, F_GETFD) == -1);
	return 0;
}

static int succeed(void)
{
	exit(33);
}

static int fork_and_wait(void *argument)
{
	pid_t child = fork();

	(void)argument;
	if (child == 0) {
		_exit(4);
	}
	return WEXITSTATUS(status_of(child));
}

static int child_forks(void)
{
	EXPECT(WEXITSTATUS(status_of(start(fork_and_wait, CLONE_VM, NULL))) == 4);
	return 0;
}

/* The child holds one end of the pipe until it has seen that its parent is gone. */
static int outlive(void *argument)
{
	const int *fds = argument;
	pid_t parent = getppid();
	char *page;

	close(fds[0]);
	word = 1;
	while (getppid() == parent) {
		nap();
	}
	for (int i = 0; i < 100; i++) {
		page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		page[65535] = 'x';
		if (munmap(page, 65536) != 0) {
			return 1;
		}
	}
	return write(fds[1], "alive", 5) == 5 ? 0 : 1;
}

static int child_outlives_its_parent(void)
{
	char text[8] = "";
	int fds[2];
	pid_t parent;

	for (int is_killed = 0; is_killed < 2; is_killed++) {
		EXPECT(pipe(fds) == 0);
		parent = fork();
		if (parent == 0) {
			start(outlive, CLONE_VM, fds);
			while (word != 1) {
				nap();
			}
			_exit(is_killed != 0 ? kill(getpid(), SIGKILL) : 0);
		}
		close(fds[1]);
		EXPECT(WIFSIGNALED(status_of(parent)) == is_killed);
		EXPECT(read(fds[0], text, sizeof text) == 5 && strcmp(text, "alive") == 0);
		close(fds[0]);
	}
	return 0;
}

static void *be_there(void *argument)
{
	return argument;
}

static int parent_goes_its_own_way(void)
{
	pid_t child = start(spin, CLONE_VM, NULL);
	pthread_t thread;
	pid_t other;

	for (int i = 0; i < 10; i++) {
		EXPECT(pthread_create(&thread, NULL, be_there, NULL) == 0 && pthread_join(thread, NULL) == 0);
		other = fork();
		if (other == 0) {
			_exit(3);
		}
		EXPECT(WEXITSTATUS(status_of(other)) == 3);
		other = vfork();
		if (other == 0) {
			_exit(4);
		}
		EXPECT(WEXITSTATUS(status_of(other)) == 4);
	}
	EXPECT(kill(child, SIGKILL) == 0 && WTERMSIG(status_of(child)) == SIGKILL);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(child_runs_beside_its_parent),
		CASE(mappings_are_shared),
		CASE(many_at_once),
		CASE(killed_child_leaves_the_parent_alone),
		CASE(fault_ends_the_child_alone),
		CASE(descriptors_are_shared_on_demand),
		CASE(directory_is_shared_on_demand),
		CASE(handlers_are_shared_on_demand),
		CASE(child_is_signalled),
		CASE(numbers_are_told),
		CASE(pidfd_is_of_the_child),
		CASE(flags_without_a_meaning_are_taken),
		CASE(child_executes),
		CASE(child_forks),
		CASE(child_outlives_its_parent),
		CASE(parent_goes_its_own_way),
		{ "succeed", succeed },
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
