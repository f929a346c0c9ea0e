/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ethtool.h"

#include "hypercall.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/syscall.h>

#define NO_COMMAND 0u

/* The bytes that a command and what follows it take; 0 where that depends on more than the command. */
static size_t command_size(uint32_t command)
{
	switch (command) {
	case ETHTOOL_GSET:
	case ETHTOOL_SSET:
		return sizeof(struct ethtool_cmd);
	case ETHTOOL_GDRVINFO:
		return sizeof(struct ethtool_drvinfo);
	case ETHTOOL_GWOL:
		return sizeof(struct ethtool_wolinfo);
	case ETHTOOL_GCOALESCE:
	case ETHTOOL_SCOALESCE:
		return sizeof(struct ethtool_coalesce);
	case ETHTOOL_GRINGPARAM:
	case ETHTOOL_SRINGPARAM:
		return sizeof(struct ethtool_ringparam);
	case ETHTOOL_GCHANNELS:
	case ETHTOOL_SCHANNELS:
		return sizeof(struct ethtool_channels);
	case ETHTOOL_GPAUSEPARAM:
	case ETHTOOL_SPAUSEPARAM:
		return sizeof(struct ethtool_pauseparam);
	case ETHTOOL_GET_TS_INFO:
		return sizeof(struct ethtool_ts_info);
	case ETHTOOL_GMSGLVL:
	case ETHTOOL_GLINK:
	case ETHTOOL_GRXCSUM:
	case ETHTOOL_SRXCSUM:
	case ETHTOOL_GTXCSUM:
	case ETHTOOL_STXCSUM:
	case ETHTOOL_GSG:
	case ETHTOOL_SSG:
	case ETHTOOL_GTSO:
	case ETHTOOL_STSO:
	case ETHTOOL_GGSO:
	case ETHTOOL_SGSO:
	case ETHTOOL_GGRO:
	case ETHTOOL_SGRO:
	case ETHTOOL_GFLAGS:
	case ETHTOOL_SFLAGS:
	case ETHTOOL_GPFLAGS:
		return sizeof(struct ethtool_value);
	default:
		return 0;
	}
}

int64_t kr_ethtool(struct kr_thread *thread, int fd, uint64_t request)
{
	/* The kernel reads the command again: what it finds must be what has been looked at. */
	union {
		uint32_t command;
		struct ethtool_drvinfo largest;
	} data = { .command = NO_COMMAND };
	struct ifreq copy;
	uint64_t guests;
	size_t size;
	int64_t result;
	const uint64_t arg[6] = { (uint64_t)fd, SIOCETHTOOL, (uint64_t)(uintptr_t)&copy };

	if (kr_copy_from_guest(&copy, request, sizeof copy) < 0) {
		return kr_host_call(
			thread, SYS_ioctl,
			(const uint64_t[6]){ (uint64_t)fd, SIOCETHTOOL, kr_stand_in(request, sizeof copy) });
	}
	guests = (uint64_t)(uintptr_t)copy.ifr_data;
	copy.ifr_data = NULL;
	if (kr_copy_from_guest(&data.command, guests, sizeof data.command) == 0) {
		size = command_size(data.command);
		if (size == 0 || kr_copy_from_guest(&data, guests, size) == 0) {
			copy.ifr_data = (char *)&data;
		}
		data.command = size == 0 ? NO_COMMAND : data.command;
	} else {
		size = 0;
	}
	result = kr_host_call(thread, SYS_ioctl, arg);
	return result == 0 && kr_copy_to_guest(guests, &data, size) < 0 ? -EFAULT : result;
}
