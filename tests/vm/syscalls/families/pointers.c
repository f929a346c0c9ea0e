/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every pointer of every call of the table, bad in every way, the rest as harmless as can be: once with a file's
 * descriptor, and once with one that is closed.
 *
 * table.inc is written by the test from specs/hypercalls.yaml: one initializer of struct served a line.
 */
#include "suite.h"

struct served {
	long nr;
	const char *name;
	const char *kinds; /* one letter an argument: n number, d descriptor, p pointer, v vectors */
};

static const struct served table[] = {
#include "table.inc"
};

/* They wait for ever without a timeout. */
static const char *const waits[] = { "ppoll",       "select",     "pselect6",   "epoll_pwait2",
				     "futex_waitv", "futex_wait", "semtimedop", "rt_sigtimedwait" };

static bool is_wait(const char *name)
{
	for (size_t i = 0; i < COUNT(waits); i++) {
		if (strcmp(waits[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static void try_pointer(const struct served *call, size_t at, const struct bad_pointer *pointer, long fd)
{
	static _Alignas(4096) char room[16 * PAGE];
	char what[96];
	long arg[6] = { 0 };

	memset(room, 0, sizeof room);
	/* The byte before the hole, which some calls can write. */
	*(char *)bad[bad_count - 1].at = 0;
	for (size_t i = 0; call->kinds[i] != 0; i++) {
		arg[i] = call->kinds[i] == 'n' ? 16 : call->kinds[i] == 'd' ? fd : (long)(uintptr_t)room;
	}
	arg[at] = (long)(uintptr_t)pointer->at;
	if (fd >= 0) {
		(void)lseek((int)fd, 0, SEEK_SET);
	}
	snprintf(what, sizeof what, "%s %zu %s%s", call->name, at, pointer->name, fd < 0 ? ", closed" : "");
	say_done(what, syscall(call->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}

TEST(pointers01)
{
	int fd = make_file("f", 4 * PAGE);

	for (size_t i = 0; i < COUNT(table); i++) {
		for (size_t at = 0; table[i].kinds[at] != 0; at++) {
			if (table[i].kinds[at] != 'p' && table[i].kinds[at] != 'v') {
				continue;
			}
			for (size_t b = is_wait(table[i].name) ? 1 : 0; b <= bad_count; b++) {
				try_pointer(&table[i], at, &bad[b], fd);
				try_pointer(&table[i], at, &bad[b], -1);
			}
		}
	}
}
