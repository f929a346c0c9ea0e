/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The session and its keyring.
 */
#include "ops.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_POSSESSOR_ALL 0x3f000000L
#define KEY_USER_VIEW     0x00010000L
#define KEY_USER_SEARCH   0x00080000L

int kr_op_NEW_SESSION(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)stage;
	(void)operands;
	if (setsid() < 0) {
		return kr_fail(err, errno, "make a new session");
	}
	return 0;
}

int kr_op_SESSION_KEYRING(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *name = kr_read_string(operands);
	long keyring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);

	if (keyring < 0 && errno == ENOSYS) {
		/* A kernel without keyrings has no caller's keys to keep out. */
		kr_stage_log(stage, "this kernel has no session keyrings");
		return 0;
	}
	if (keyring < 0) {
		return kr_fail(err, errno, "join the session keyring %s", name);
	}
	/* Search for the user, so that a later process of this container can join by name. */
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, KEY_POSSESSOR_ALL | KEY_USER_VIEW | KEY_USER_SEARCH) !=
	    0) {
		return kr_fail(err, errno, "set the permissions of the session keyring %s", name);
	}
	return 0;
}
