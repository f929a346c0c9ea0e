/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Payloads that have to look the same on a kernel and in the monitor: one program per subject, argv[1] names the
 * scene.
 */
#ifndef SCENES_H
#define SCENES_H

#include <string.h>

#define COUNT(all) (sizeof(all) / sizeof(all)[0])

struct scene {
	const char *name;
	void (*play)(void);
};

/* The words of the command line. */
static char **words __attribute__((unused));

static inline int play_scene(const struct scene *scenes, int argc, char **argv)
{
	words = argv;
	for (; argc > 1 && scenes->name != NULL; scenes++) {
		if (strcmp(scenes->name, argv[1]) == 0) {
			scenes->play();
			return 0;
		}
	}
	return 99;
}

#endif
