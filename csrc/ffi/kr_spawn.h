/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Starting a program from a descriptor, for Python.
 */
#ifndef KR_SPAWN_H
#define KR_SPAWN_H

/* The cgroups that a new process is born into. */
struct kr_cgroups {
	const int *tasks; /* descriptors of v1 `tasks` files, open for writing */
	unsigned tasks_count;
	int unified; /* descriptor of a cgroup2 directory, -1 for the caller's own cgroup */
};

/* Execute the file behind the descriptor `image` in a new process, with `args` and an empty environment.
 * The process gets descriptors 0 to 2 and the `inherit_count` ones of `inherit` at their own numbers, no
 * others; an empty signal mask and default dispositions.  It is a child of the caller: SIGCHLD and wait.
 * Returns its pid and stores a pidfd (close-on-exec, the caller's), or -errno when it could not be executed;
 * then no process is left. */
int kr_spawn(int image, char *const args[], const int *inherit, unsigned inherit_count,
	     const struct kr_cgroups *cgroups, int *pidfd);

#endif
