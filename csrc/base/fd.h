/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Descriptors with an owner: `kr_own_fd int fd = open(…)` is closed at the end of its scope.
 */
#ifndef KR_FD_H
#define KR_FD_H

#include <unistd.h>

static inline void kr_close_fd(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
}

#define kr_own_fd __attribute__((cleanup(kr_close_fd)))

/* Give up ownership: the caller closes what is returned. */
static inline int kr_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
