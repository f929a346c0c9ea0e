/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The interpreter that the build linked into the launcher, where there was one to link.
 */
#ifndef KR_INTERPRETER_H
#define KR_INTERPRETER_H

#include <stdbool.h>

/* Whether this launcher has an interpreter, and its standard library is where it was at the build. */
bool kr_interpreter_is_usable(void);

/* Run a compiled script; sys.argv is `argv`, whose first word is no matter.  `is_interruptible` goes into
 * sys._xoptions, as `-X interruptible` does.  Returns an exit status when the script could not be run. */
int kr_interpreter_run(const char *script, int argc, char **argv, const char *executable, bool is_interruptible);

#endif
