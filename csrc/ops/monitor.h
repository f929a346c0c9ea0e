/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Becoming the monitor.  specs/monitor.md is the contract of the boot record.
 */
#ifndef KR_OPS_MONITOR_H
#define KR_OPS_MONITOR_H

#include "../base/err.h"
#include "../base/reader.h"
#include "../stage/stage.h"

#include <stdbool.h>

/* What the monitor is to run. */
struct kr_monitored {
	const char *program;
	struct kr_strings args;
	struct kr_strings env;
	struct kr_bytes filter;
	bool has_barrier; /* the barrier is still ahead, and the monitor's to pass */
	bool is_payload;  /* no hook: the monitor applies the limits, LISTEN_PID is added */
};

/* Write the boot record and let what it names survive the exec.  Returns an owned descriptor, or -1. */
int kr_monitor_record(struct kr_stage *stage, const struct kr_monitored *monitored, struct kr_err *err);
/* Execute the monitor on a record.  Returns -1, if at all. */
int kr_monitor_execute(struct kr_stage *stage, int record, struct kr_err *err);

#endif
