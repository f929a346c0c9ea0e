/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * In place of interpreter.c, where the build found no interpreter to link.
 */
#include "interpreter.h"

bool kr_interpreter_is_usable(void)
{
	return false;
}

int kr_interpreter_run(const char *script, int argc, char **argv, const char *executable, bool is_interruptible)
{
	(void)script;
	(void)argc;
	(void)argv;
	(void)executable;
	(void)is_interruptible;
	return 1;
}
