/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "own_proc.h"

#include "../base/fd.h"
#include "machine.h"
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_BYTES  8192u /* several times what the kernel writes */
#define STAT_THREAD 20u   /* the word of `stat` that counts threads */

static bool is_component(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* Cut the last component off `path`, whose length is *length; its beginning. */
static const char *cut(const char *path, size_t *length, size_t *part)
{
	size_t at = *length;

	while (at > 0 && path[at - 1] != '/') {
		at--;
	}
	*part = *length - at;
	*length = at > 0 ? at - 1 : 0;
	return path + at;
}

enum kr_own_file kr_own_file_named(const char *path)
{
	static const struct {
		const char *name;
		enum kr_own_file kind;
	} files[] = { { "maps", KR_OWN_MAPS }, { "stat", KR_OWN_STAT }, { "status", KR_OWN_STATUS } };
	size_t length = strlen(path);
	size_t part;
	const char *last = cut(path, &length, &part);
	enum kr_own_file kind = KR_OWN_NONE;
	const char *number;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		kind = is_component(last, part, files[i].name) ? files[i].kind : kind;
	}
	if (kind == KR_OWN_NONE) {
		return kind;
	}
	number = cut(path, &length, &part);
	last = cut(path, &length, &part);
	if (is_component(last, part, "task")) {
		number = cut(path, &length, &part);
	}
	return strtol(number, NULL, 10) == getpid() ? kind : KR_OWN_NONE;
}

/* Copy `text` with another number at `at`, which lies in it. */
static void put_number(int to, const char *text, const char *at, uint32_t number)
{
	(void)dprintf(to, "%.*s%u%s", (int)(at - text), text, number, at + strspn(at, "0123456789"));
}

/* The second word is in parentheses and may hold anything. */
static void put_stat(int to, const char *text, uint32_t threads)
{
	const char *at = strrchr(text, ')');

	for (unsigned word = 2; word < STAT_THREAD && at != NULL; word++) {
		at = strchr(at + 1, ' ');
	}
	if (at == NULL) {
		(void)dprintf(to, "%s", text);
		return;
	}
	put_number(to, text, at + 1, threads);
}

static uint32_t count_filters(const struct kr_seccomp *seccomp)
{
	uint32_t count = 0;

	for (const struct kr_filter *filter = seccomp->filters; filter != NULL; filter = filter->older) {
		count++;
	}
	return count;
}

static void put_status(int to, char *text, const struct kr_seccomp *seccomp, uint32_t threads)
{
	const uint32_t filters = count_filters(seccomp);
	const uint32_t mode = filters > 0 ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED;
	const struct {
		const char *label;
		uint32_t number;
	} facts[] = { { "Threads:\t", threads },
		      { "NoNewPrivs:\t", seccomp->no_new_privs ? 1 : 0 },
		      { "Seccomp:\t", seccomp->strict ? SECCOMP_MODE_STRICT : mode },
		      { "Seccomp_filters:\t", filters } };

	for (char *line = text; line != NULL;) {
		char *next = strchr(line, '\n');
		const char *number = NULL;

		if (next != NULL) {
			*next++ = 0;
		}
		for (size_t i = 0; i < sizeof facts / sizeof facts[0] && number == NULL; i++) {
			size_t length = strlen(facts[i].label);

			if (strncmp(line, facts[i].label, length) == 0) {
				number = line + length;
				put_number(to, line, number, facts[i].number);
			}
		}
		(void)dprintf(to, "%s%s", number == NULL ? line : "", next != NULL ? "\n" : "");
		line = next;
	}
}

/* What the kernel says.  Its length, or -errno. */
static ssize_t read_host(const struct kr_machine *machine, int file, char text[TEXT_BYTES])
{
	kr_own_fd int host = -1;
	char name[40];
	ssize_t size;

	(void)snprintf(name, sizeof name, "%sthread-self/fd/%d", machine->proc < 0 ? "/proc/" : "", file);
	host = openat(machine->proc, name, O_RDONLY | O_CLOEXEC);
	size = host >= 0 ? read(host, text, TEXT_BYTES - 1) : -1;
	if (size < 0) {
		return -errno;
	}
	text[size] = 0;
	return size;
}

int kr_own_file_snapshot(struct kr_thread *thread, enum kr_own_file kind, int file)
{
	const uint32_t threads = __atomic_load_n(&thread->machine->threads, __ATOMIC_ACQUIRE);
	kr_own_fd int made = -1;
	char text[TEXT_BYTES];
	ssize_t size;
	int result;

	if (kind == KR_OWN_MAPS) {
		return kr_maps_snapshot(thread);
	}
	size = read_host(thread->machine, file, text);
	made = size >= 0 ? memfd_create("own", MFD_CLOEXEC) : -1;
	if (made < 0) {
		return size < 0 ? (int)size : -errno;
	}
	if (kind == KR_OWN_STAT) {
		put_stat(made, text, threads);
	} else {
		put_status(made, text, &thread->seccomp, threads);
	}
	result = fcntl(made, F_DUPFD_CLOEXEC, 0);
	return result >= 0 ? result : -errno;
}
