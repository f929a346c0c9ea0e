/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ioctl(2): only commands whose argument is known are served, and what a driver would follow from there is checked
 * in a copy.  All others are ENOTTY.
 */
#include "ethtool.h"
#include "fiemap.h"
#include "hypercall.h"
#include "ioctl.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/syscall.h>

kr_handler kr_call_ioctl;

static int64_t pass(struct kr_thread *thread, const struct kr_call *call, uint64_t argument)
{
	return kr_host_call(thread, SYS_ioctl,
			    (const uint64_t[6]){ call->arg[0], call->arg[1], argument, 0, 0, 0 });
}

/* struct ifconf points to the room for the list; a NULL there asks for the size. */
static int64_t list_interfaces(struct kr_thread *thread, const struct kr_call *call)
{
	struct ifconf list;
	int64_t result;

	if (kr_copy_from_guest(&list, call->arg[2], sizeof list) < 0 || list.ifc_len < 0) {
		return pass(thread, call, kr_stand_in(call->arg[2], sizeof list));
	}
	if (list.ifc_buf != NULL && !kr_guest_has((uint64_t)(uintptr_t)list.ifc_buf, (uint64_t)list.ifc_len)) {
		return -EFAULT;
	}
	result = pass(thread, call, (uint64_t)(uintptr_t)&list);
	if (result == 0 && kr_copy_to_guest(call->arg[2], &list, sizeof list) < 0) {
		return -EFAULT;
	}
	return result;
}

/* struct rtentry points to the name of an interface. */
static int64_t change_route(struct kr_thread *thread, const struct kr_call *call)
{
	struct rtentry route;
	char name[IFNAMSIZ];

	if (kr_copy_from_guest(&route, call->arg[2], sizeof route) < 0) {
		return pass(thread, call, kr_stand_in(call->arg[2], sizeof route));
	}
	if (route.rt_dev != NULL) {
		int64_t length = kr_copy_string(name, (uint64_t)(uintptr_t)route.rt_dev, sizeof name);

		if (length < 0) {
			return length == -ENAMETOOLONG ? -ENODEV : length;
		}
		route.rt_dev = name;
	}
	return pass(thread, call, (uint64_t)(uintptr_t)&route);
}

int64_t kr_call_ioctl(struct kr_thread *thread, const struct kr_call *call)
{
	const struct kr_ioctl argument = kr_ioctl_describe((uint32_t)call->arg[1]);
	uint64_t pointed = call->arg[2];

	switch (argument.shape) {
	case KR_IOCTL_UNKNOWN:
		return fcntl((int)(uint32_t)call->arg[0], F_GETFD) < 0 ? -errno : -ENOTTY;
	case KR_IOCTL_NUMBER:
		break;
	case KR_IOCTL_PROCESS:
		/* Not an address of the monitor's, whoever should take it for one. */
		pointed = (uint32_t)pointed;
		break;
	case KR_IOCTL_POINTER:
		if (!kr_guest_has(call->arg[2], argument.size)) {
			pointed = kr_stand_in(pointed, argument.size);
		}
		break;
	case KR_IOCTL_DESCRIPTOR:
		if (kr_is_monitor_fd((int)(uint32_t)call->arg[2])) {
			return -EBADF;
		}
		break;
	case KR_IOCTL_INTERFACES:
		return list_interfaces(thread, call);
	case KR_IOCTL_ROUTE:
		return change_route(thread, call);
	case KR_IOCTL_FILE_MAP:
		return kr_fiemap(thread, (int)(uint32_t)call->arg[0], call->arg[2]);
	case KR_IOCTL_ETHTOOL:
		return kr_ethtool(thread, (int)(uint32_t)call->arg[0], call->arg[2]);
	}
	return pass(thread, call, pointed);
}
