/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * FIND_PROGRAM, as execvp(3) looks for it.  The words of its errors are an interface: dockerd makes the exit
 * statuses 126 and 127 of them.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 when the file can be executed, else the errno that says why not. */
static int check_executable(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		return errno;
	}
	if (!S_ISREG(status.st_mode)) {
		return EACCES;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int fail_path(const char *path, int code, struct kr_err *err)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
		return kr_fail(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory", path, path);
	case EACCES:
		return kr_fail(err, EACCES, "exec: \"%s\": permission denied", path);
	default:
		return kr_fail(err, code, "exec: \"%s\": %s", path, strerror(code));
	}
}

static int search(struct kr_stage *stage, const char *name, struct kr_strings directories, struct kr_err *err)
{
	const char *directory;
	bool denied = false;

	while ((directory = kr_next_string(&directories)) != NULL) {
		/* An empty element is the working directory. */
		int size =
			snprintf(stage->path, sizeof stage->path, "%s/%s", *directory != 0 ? directory : ".", name);
		int code = size < (int)sizeof stage->path ? check_executable(stage->path) : ENAMETOOLONG;

		if (code == 0) {
			return 0;
		}
		denied = denied || code == EACCES;
	}
	stage->path[0] = 0;
	if (denied) {
		return kr_fail(err, EACCES, "exec: \"%s\": permission denied", name);
	}
	return kr_fail(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

int kr_op_FIND_PROGRAM(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *name = kr_read_string(operands);
	struct kr_strings directories = kr_read_strings(operands);
	size_t size = strlen(name) + 1;
	int code;

	if (strchr(name, '/') == NULL) {
		return search(stage, name, directories, err);
	}
	if (size > sizeof stage->path) {
		return kr_fail(err, ENAMETOOLONG, "exec: \"%.64s…\"", name);
	}
	code = check_executable(name);
	if (code != 0) {
		return fail_path(name, code, err);
	}
	memcpy(stage->path, name, size);
	return 0;
}
