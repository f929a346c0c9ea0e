/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script.h"

#include <errno.h>
#include <string.h>

int kr_script_split(char *line, const char *path, const char **interpreter, const char **argument,
		    struct kr_err *err)
{
	char *end = line + strcspn(line, "\n");
	char *at = line + 2;

	if (*end == 0 && strlen(line) == KR_SCRIPT_LINE - 1) {
		return kr_fail(err, ENOEXEC, "%s is a script whose first line is longer than %d bytes", path,
			       KR_SCRIPT_LINE);
	}
	*end = 0;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
		*--end = 0;
	}
	at += strspn(at, " \t");
	if (*at == 0) {
		return kr_fail(err, ENOEXEC, "%s is a script that names no interpreter", path);
	}
	*interpreter = at;
	at += strcspn(at, " \t");
	*argument = NULL;
	if (*at != 0) {
		*at++ = 0;
		at += strspn(at, " \t");
		*argument = *at != 0 ? at : NULL;
	}
	return 0;
}
