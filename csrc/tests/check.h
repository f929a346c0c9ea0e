/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the native tests say: CHECK(what has to hold).  The first thing that does not ends the program with
 * status 1 and names the place.  A test is a function named after the behaviour; main calls each.
 */
#ifndef KR_CHECK_H
#define KR_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(holds) \
	do { \
		if (!(holds)) { \
			(void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #holds); \
			exit(1); \
		} \
	} while (0)

#endif
