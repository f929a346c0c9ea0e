/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The conversation between krun and its stage, over one SOCK_SEQPACKET pair.  One message is one packet:
 * u32 type, u32 value, then text (not NUL-terminated, at most KR_MSG_TEXT bytes).  Python's side is
 * krun/execute/protocol.py.
 *
 *   [ stage / init / monitor ]          [ runtime ]
 *   MAPS_PLEASE pid                -->  writes uid_map, setgroups, gid_map of pid
 *                                  <--  CONTINUE
 *   INIT pid                       -->  opens a pidfd, puts pid into its cgroups, records it in the state
 *                                  <--  CONTINUE pid        (read by init, which learns its host pid)
 *   HOOKS_PLEASE 0 point           -->  runs the hooks of that point (prestart, createRuntime)
 *                                  <--  CONTINUE | ABORT
 *   LOG 0 text                     -->  a warning for the log: a capability that cannot be had, …
 *   READY                          -->  the container stands; records it, tells its caller where it is
 *                                  <--  CONTINUE            (the container is created, and outlives the runtime)
 *   ERROR op text                  -->  legal at any point, always last; value is the operation's index in the
 *                                       program, text "ENOENT what was wrong" (errno's name, one space, text).
 *                                       KR_MSG_NO_OP stands for "not an operation": the monitor's errors.
 *
 * pids are as the runtime's pid namespace sees them.  A side that reads end of file ends: the stage and init
 * exit with status 1, the runtime reports that the stage died, with its wait status.  Whoever holds the
 * socket last (init for a payload of its own, else the monitor) sends READY, waits and closes it.
 */
#ifndef KR_MSG_H
#define KR_MSG_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define KR_MSG_TEXT  2000u
#define KR_MSG_NO_OP 0xffffffffu

enum kr_msg_type {
	KR_MSG_MAPS_PLEASE = 1,
	KR_MSG_INIT = 2,
	KR_MSG_HOOKS_PLEASE = 3,
	KR_MSG_LOG = 4,
	KR_MSG_READY = 5,
	KR_MSG_ERROR = 6,
	KR_MSG_CONTINUE = 16,
	KR_MSG_ABORT = 17
};

struct kr_msg {
	uint32_t type;
	uint32_t value;
	uint32_t size; /* of text, without the NUL that follows it here */
	char text[KR_MSG_TEXT + 1];
};

/* Send one message.  text may be NULL; one that is too long is cut. */
int kr_msg_send(int fd, enum kr_msg_type type, uint32_t value, const char *text, struct kr_err *err);
/* Receive one message.  End of file is an error with code ECONNRESET. */
int kr_msg_receive(int fd, struct kr_msg *msg, struct kr_err *err);
/* Send READY and wait for CONTINUE.  The container's filter may be loaded by now: read(2) has to do.
 * ECONNRESET when the runtime has gone before. */
int kr_msg_commit(int fd, struct kr_err *err);

#endif
