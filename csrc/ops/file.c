/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Directories and symbolic links in the container.
 */
#include "../base/fd.h"
#include "destination.h"
#include "ops.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

int kr_op_MAKE_DIRECTORY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *path = kr_read_string(operands);
	mode_t mode = (mode_t)kr_read_u64(operands);
	kr_own_fd int made = kr_make_directory(stage->root, path, mode, KR_LINKS_IN_ROOT, err);

	return made >= 0 ? 0 : -1;
}

int kr_op_MAKE_SYMLINK(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *target = kr_read_string(operands);
	const char *path = kr_read_string(operands);
	char name[NAME_MAX + 1];
	kr_own_fd int parent = kr_make_parent(stage->root, path, KR_LINKS_NONE, name, err);

	if (parent < 0) {
		return -1;
	}
	if (symlinkat(target, parent, name) != 0 && errno != EEXIST) {
		return kr_fail(err, errno, "make the link %s to %s", path, target);
	}
	return 0;
}
