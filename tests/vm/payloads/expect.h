/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Payloads of the monitor's tests: one program per subject, argv[1] names the case.  A case that finds what it
 * promises returns 0; EXPECT says what was not so and ends with status 1.
 */
#ifndef EXPECT_H
#define EXPECT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			printf("%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
			exit(1); \
		} \
	} while (0)

struct test_case {
	const char *name;
	int (*run)(void);
};

/* A test_case whose function has its name. */
/* clang-format off */
#define CASE(name) { #name, name }
/* clang-format on */

static inline int run_case(const struct test_case *cases, int argc, char **argv)
{
	for (; argc > 1 && cases->name != NULL; cases++) {
		if (strcmp(cases->name, argv[1]) == 0) {
			return cases->run();
		}
	}
	printf("no such case: %s\n", argc > 1 ? argv[1] : "(none)");
	return 99;
}

#endif
