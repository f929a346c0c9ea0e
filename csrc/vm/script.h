/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first line of a script.
 */
#ifndef KR_VM_SCRIPT_H
#define KR_VM_SCRIPT_H

#include "../base/err.h"

#define KR_SCRIPT_LINE 512 /* bytes of a #! line */

/* Split "#! interpreter argument", a string of less than KR_SCRIPT_LINE bytes, in place; *argument is NULL when
 * there is none.  `path` is the script's, for the error.  0 or -1. */
int kr_script_split(char *line, const char *path, const char **interpreter, const char **argument,
		    struct kr_err *err);

#endif
