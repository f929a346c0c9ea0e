/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What krun-init knows while it carries out a program.
 */
#ifndef KR_STAGE_H
#define KR_STAGE_H

#include <kr/ops.h>

#include "program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define KR_NAMESPACE_KINDS 8
#define KR_STAGE_LIMITS    16 /* resources of getrlimit(2) */
#define KR_STAGE_MOUNTS    64 /* mounts that are opened before namespaces are entered */

/* A limit that the payload is to have; krun-init itself is not to meet it. */
struct kr_stage_limit {
	bool is_set;
	uint64_t soft;
	uint64_t hard;
};

struct kr_stage {
	struct kr_program program;
	int fd[KR_FD_COUNT];                /* by enum kr_fd_role, -1 when closed or absent                    */
	uint32_t op;                        /* index of the operation that runs                                */
	pid_t host_pid;                     /* of init, as the runtime sees it; 0 before SPAWN_INIT            */
	int namespaces[KR_NAMESPACE_KINDS]; /* opened by OPEN_NAMESPACE, in the order of namespace.c's table   */
	int time_offsets;                   /* /proc/self/timens_offsets, opened before the user changes       */
	int oom_score_adj; /* /proc/self/oom_score_adj of the stage, opened before it is protected */
	int proc;          /* root of a procfs that is mounted nowhere and shows processes alone: in a pid
			    * namespace that is joined, CAP_SYS_PTRACE reaches it                 */
	int monitors_proc; /* another for the monitor, through whose descriptors other processes of the
			    * container can look: processes alone, read-only; -1 where there is none */
	int settings;      /* a whole one, from OPEN_PROC to CONTAIN_DESCRIPTORS where a SYSCTL wants it */
	int root;          /* the container's root, O_PATH                                    */
	int null;          /* the container's /dev/null, checked; what masked files are       */
	int empty;         /* a read-only tmpfs; what masked directories are                  */
	int barrier;       /* exec.fifo open for writing: `start` has arrived                 */
	struct kr_stage_limit limit[KR_STAGE_LIMITS]; /* by resource                                           */
	int mounts[KR_STAGE_MOUNTS]; /* detached, in the order of OPEN_IDMAPPED; -1 once attached             */
	size_t mount_count;
	bool has_listener;   /* the monitor is to ask about the calls that its filter notifies                 */
	char path[PATH_MAX]; /* found by FIND_PROGRAM                                           */
	char listen_pid[32]; /* a further entry of the payload's environment, "" for none       */
};

/* Prepare a stage without descriptors. */
void kr_stage_init(struct kr_stage *stage);

/* Send a line for the log.  A runtime that is gone is noticed elsewhere, so that this cannot fail. */
void kr_stage_log(const struct kr_stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Wait for the runtime's CONTINUE and store its value.  `what` says what it was asked for.
 * ECANCELED when the runtime says ABORT. */
int kr_stage_wait(const struct kr_stage *stage, const char *what, uint32_t *value, struct kr_err *err);

#endif
