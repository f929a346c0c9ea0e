/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What payloads share that add seccomp filters.
 */
#ifndef FILTERS_H
#define FILTERS_H

#include "scenes.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

static inline void show(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "success" : strerrorname_np(errno));
	fflush(stdout);
}

/* Let every call `nr` come to `verdict`. */
static inline long add_filter(long nr, uint32_t verdict, unsigned flags)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		RETURN(verdict),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(code), code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

#endif
