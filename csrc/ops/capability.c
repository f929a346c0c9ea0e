/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Capabilities: the process has exactly the sets that are named, no more; what it cannot have is left out
 * with a line in the log.
 */
#include "ops.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sets {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

static int read_sets(struct sets *sets, struct kr_err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) != 0) {
		return kr_fail(err, errno, "read the capabilities");
	}
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int write_sets(const struct sets *sets, struct kr_err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable },
		{ (uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32),
		  (uint32_t)(sets->inheritable >> 32) },
	};

	if (syscall(SYS_capset, &header, data) != 0) {
		return kr_fail(err, errno, "set the capabilities");
	}
	return 0;
}

/* Walk the capabilities that this kernel knows; it answers EINVAL behind the last. */
static uint64_t read_bounding(void)
{
	uint64_t bounding = 0;

	for (int capability = 0; capability < 64; capability++) {
		int has = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

		if (has < 0) {
			break;
		}
		bounding |= (uint64_t)has << capability;
	}
	return bounding;
}

int kr_op_BOUND_CAPABILITIES(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t surplus = read_bounding() & ~kr_read_u64(operands);

	(void)stage;
	for (int capability = 0; capability < 64; capability++) {
		if ((surplus >> capability & 1) != 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
			return kr_fail(err, errno, "drop capability %d from the bounding set", capability);
		}
	}
	return 0;
}

/* What of `wanted` is in `possible`; the rest is told. */
static uint64_t grant(const struct kr_stage *stage, const char *set, uint64_t wanted, uint64_t possible)
{
	uint64_t refused = wanted & ~possible;

	if (refused != 0) {
		kr_stage_log(stage, "capabilities %#" PRIx64 " cannot be had in the %s set", refused, set);
	}
	return wanted & possible;
}

static int set_ambient(uint64_t ambient, struct kr_err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "clear the ambient capabilities");
	}
	for (int capability = 0; capability < 64; capability++) {
		if ((ambient >> capability & 1) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) {
			return kr_fail(err, errno, "raise capability %d in the ambient set", capability);
		}
	}
	return 0;
}

int kr_op_CAPABILITIES(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t effective = kr_read_u64(operands);
	uint64_t permitted = kr_read_u64(operands);
	uint64_t inheritable = kr_read_u64(operands);
	uint64_t ambient = kr_read_u64(operands);
	struct sets own = { 0, 0, 0 };
	struct sets sets;

	if (read_sets(&own, err) != 0) {
		return -1;
	}
	sets.permitted = grant(stage, "permitted", permitted, own.permitted);
	sets.effective = grant(stage, "effective", effective, sets.permitted);
	sets.inheritable =
		grant(stage, "inheritable", inheritable, own.inheritable | (own.permitted & read_bounding()));
	ambient = grant(stage, "ambient", ambient, sets.permitted & sets.inheritable);
	if (write_sets(&sets, err) != 0) {
		return -1;
	}
	return set_ambient(ambient, err);
}

int kr_op_NO_NEW_PRIVILEGES(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)stage;
	(void)operands;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "set no_new_privs");
	}
	return 0;
}
