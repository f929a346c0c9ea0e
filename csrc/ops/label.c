/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Labels of the security modules.  Both are written for the next exec, through the private procfs: what an
 * image puts on /proc must not swallow them (CVE-2019-16884).
 */
#include "../base/fd.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROFILE_BYTES 4096

int kr_op_APPARMOR_PROFILE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *profile = kr_read_string(operands);
	char text[PROFILE_BYTES];
	struct kr_err unheard;
	/* Its own file where several modules are active; the shared one belongs to the first of them. */
	kr_own_fd int fd = kr_proc_open(stage, "self/attr/apparmor/exec", O_WRONLY, &unheard);

	if (snprintf(text, sizeof text, "exec %s", profile) >= (int)sizeof text) {
		return kr_fail(err, ENAMETOOLONG, "set the AppArmor profile %.64s…", profile);
	}
	if (fd < 0) {
		fd = kr_proc_open(stage, "self/attr/exec", O_WRONLY, err);
	}
	if (fd < 0) {
		return kr_fail_for(err, "set the AppArmor profile %s", profile);
	}
	if (write(fd, text, strlen(text)) < 0) {
		return kr_fail(err, errno, "set the AppArmor profile %s", profile);
	}
	return 0;
}

int kr_op_SELINUX_LABEL(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *label = kr_read_string(operands);
	kr_own_fd int fd = kr_proc_open(stage, "self/attr/exec", O_WRONLY, err);

	if (fd < 0) {
		return kr_fail_for(err, "set the SELinux label %s", label);
	}
	if (write(fd, label, strlen(label)) < 0) {
		return kr_fail(err, errno, "set the SELinux label %s", label);
	}
	return 0;
}
