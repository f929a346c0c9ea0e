/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What belongs to a namespace: names, kernel parameters, the loopback interface.
 */
#include "../base/fd.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int kr_op_HOSTNAME(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *name = kr_read_string(operands);

	(void)stage;
	if (sethostname(name, strlen(name)) != 0) {
		return kr_fail(err, errno, "set the host name to %s", name);
	}
	return 0;
}

int kr_op_DOMAINNAME(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *name = kr_read_string(operands);

	(void)stage;
	if (setdomainname(name, strlen(name)) != 0) {
		return kr_fail(err, errno, "set the domain name to %s", name);
	}
	return 0;
}

/* As sysctl(8): the first separator, dot or slash, is the one; when it is the dot, a slash stands for a dot
 * within a component ("net.ipv4.conf.eth0/1.forwarding"). */
static int sysctl_path(const char *name, char *path, size_t size, struct kr_err *err)
{
	bool dotted = name[strcspn(name, "./")] == '.';

	if (snprintf(path, size, "sys/%s", name) >= (int)size) {
		return kr_fail(err, ENAMETOOLONG, "set %.64s…", name);
	}
	for (char *c = path + strlen("sys/"); dotted && *c != 0; c++) {
		*c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
	}
	if (strstr(path, "/../") != NULL || strcmp(path + strlen(path) - 3, "/..") == 0) {
		return kr_fail(err, EINVAL, "set %s: not below /proc/sys", name);
	}
	return 0;
}

int kr_op_SYSCTL(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *name = kr_read_string(operands);
	const char *value = kr_read_string(operands);
	char path[PATH_MAX];

	if (sysctl_path(name, path, sizeof path, err) != 0) {
		return -1;
	}
	return kr_proc_set(stage, path, value, err);
}

int kr_op_LOOPBACK_UP(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	kr_own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	(void)stage;
	(void)operands;
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
		return kr_fail(err, errno, "look at the loopback interface");
	}
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) {
		return kr_fail(err, errno, "bring the loopback interface up");
	}
	return 0;
}
