/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's command line: specs/monitor.md.
 */
#ifndef KR_VM_OPTIONS_H
#define KR_VM_OPTIONS_H

#include "../base/err.h"

enum kr_mode {
	KR_MODE_PROGRAM, /* by hand: argv[first] and what follows */
	KR_MODE_BOOT,
	KR_MODE_RECORD, /* the record stands in argv[first] and what follows */
	KR_MODE_LIST,
	KR_MODE_VERSION,
	KR_MODE_HELP
};

struct kr_options {
	enum kr_mode mode;
	int boot;  /* descriptor of the boot record */
	int kvm;   /* descriptor of /dev/kvm, -1 to open it */
	int first; /* index of the payload's path in argv */
};

/* 0 or -1 with a usage error. */
int kr_options_parse(int argc, char **argv, struct kr_options *options, struct kr_err *err);

#endif
