/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int parse_descriptor(const char *option, const char *text, int *fd, struct kr_err *err)
{
	char *end;
	long value;

	if (text == NULL) {
		return kr_fail(err, EINVAL, "%s wants the number of a descriptor", option);
	}
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || *text == 0 || *end != 0 || value < 0 || value > 0x7fffffff) {
		return kr_fail(err, EINVAL, "%s wants the number of a descriptor, got '%s'", option, text);
	}
	*fd = (int)value;
	return 0;
}

int kr_options_parse(int argc, char **argv, struct kr_options *options, struct kr_err *err)
{
	*options = (struct kr_options){ .mode = KR_MODE_PROGRAM, .boot = -1, .kvm = -1, .first = 1 };
	while (options->first < argc && strncmp(argv[options->first], "--", 2) == 0) {
		const char *option = argv[options->first++];
		const char *value = argv[options->first];

		if (strcmp(option, "--") == 0) {
			break;
		}
		if (strcmp(option, "--help") == 0 || strcmp(option, "--version") == 0 ||
		    strcmp(option, "--list-hypercalls") == 0) {
			options->mode = option[2] == 'h'   ? KR_MODE_HELP
					: option[2] == 'v' ? KR_MODE_VERSION
							   : KR_MODE_LIST;
			return 0;
		}
		if (strcmp(option, "--boot") == 0) {
			options->mode = KR_MODE_BOOT;
			return parse_descriptor(option, value, &options->boot, err);
		}
		if (strcmp(option, "--record") == 0) {
			options->mode = KR_MODE_RECORD;
			break;
		}
		if (strcmp(option, "--kvm") != 0) {
			return kr_fail(err, EINVAL, "unknown option %s", option);
		}
		if (parse_descriptor(option, value, &options->kvm, err) < 0) {
			return -1;
		}
		options->first++;
	}
	return options->first < argc
		       ? 0
		       : kr_fail(err, EINVAL,
				 options->mode == KR_MODE_RECORD ? "no record is given" : "no program is named");
}
