/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite.h"

#define MAX_CASES 512

/* Between two reservations, so that nothing is mapped there by chance. */
#define HOLE_AT 0x50000000ul

static struct suite_case cases[MAX_CASES];
static size_t case_count;
static const char *current;

char *const hole = (char *)HOLE_AT;

struct bad_pointer bad[] = {
	{ "NULL", NULL },
	{ "1", (void *)1 },
	{ "low", (void *)0x100000ul },
	{ "hole", (void *)HOLE_AT },
	{ "beyond", (void *)ARENA_END },
	{ "far", (void *)0x600000000000ul },
	{ "noncanonical", (void *)0x800000000000ul },
	{ "kernel", (void *)0xffff888000000000ul },
	{ "-1", (void *)-1l },
	{ "PROT_NONE", NULL },
	{ "edge", NULL }, /* less than a structure before a hole */
	{ "readonly", NULL },
};
const size_t bad_count = COUNT(bad) - 1;

void suite_add(const char *name, void (*run)(void))
{
	if (case_count == MAX_CASES) {
		abort();
	}
	cases[case_count++] = (struct suite_case){ name, run };
}

long say_done(const char *what, long result)
{
	printf("%s: %s: %s\n", current, what, result >= 0 ? "success" : strerrorname_np(errno));
	return result;
}

long say(const char *what, long result)
{
	if (result < 0 && result >= -4095) {
		return say_done(what, result);
	}
	printf("%s: %s: %ld\n", current, what, result);
	return result;
}

void say_bytes(const char *what, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	printf("%s: %s: ", current, what);
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '\\') {
			putchar(bytes[i]);
		} else {
			printf("\\x%02x", bytes[i]);
		}
	}
	putchar('\n');
}

void say_status(const char *what, int status)
{
	if (WIFSIGNALED(status)) {
		printf("%s: %s: killed by %d\n", current, what, WTERMSIG(status));
	} else if (WIFSTOPPED(status)) {
		printf("%s: %s: stopped by %d\n", current, what, WSTOPSIG(status));
	} else {
		printf("%s: %s: exit %d\n", current, what, WEXITSTATUS(status));
	}
}

int make_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char line[26];

	for (size_t i = 0; i < sizeof line; i++) {
		line[i] = (char)('a' + i);
	}
	for (size_t done = 0; fd >= 0 && done < size;) {
		size_t part = size - done < sizeof line ? size - done : sizeof line;

		if (write(fd, line, part) != (ssize_t)part) {
			abort();
		}
		done += part;
	}
	if (fd < 0) {
		abort();
	}
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

pid_t start_child(int (*body)(void *), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int status = body(arg);

		fflush(stdout);
		_exit(status);
	}
	return pid;
}

int wait_child(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return status;
}

static void *map(void *at, size_t size, int prot)
{
	void *found =
		mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | (at != NULL ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (found == MAP_FAILED) {
		abort();
	}
	return found;
}

char *before_hole(size_t size)
{
	char *pages = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE);

	(void)munmap(pages + PAGE, PAGE);
	return pages + PAGE - size;
}

void become_nobody(void)
{
	if (syscall(SYS_setgroups, 0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
	    setresuid(65534, 65534, 65534) != 0) {
		abort();
	}
}

static void run_case(const struct suite_case *test)
{
	char directory[64];
	pid_t pid;
	int status;

	current = test->name;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		snprintf(directory, sizeof directory, "/tmp/%s", test->name);
		if (mkdir(directory, 0777) != 0 || chdir(directory) != 0) {
			abort();
		}
		(void)alarm(SECONDS);
		test->run();
		fflush(stdout);
		_exit(0);
	}
	status = wait_child(pid);
	if (status != 0) {
		say_status("the case", status);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	bad[bad_count - 2].at = map(NULL, PAGE, PROT_NONE);
	bad[bad_count - 1].at = (char *)map((void *)(HOLE_AT - PAGE), PAGE, PROT_READ | PROT_WRITE) + PAGE - 1;
	bad[bad_count].at = map(NULL, PAGE, PROT_READ);
	for (size_t i = 0; i < case_count; i++) {
		if (argc < 2 || strcmp(argv[1], cases[i].name) == 0) {
			run_case(&cases[i]);
		}
	}
	printf("%zu cases ended\n", case_count);
	return 0;
}
