/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The commands of ioctl(2) that are known, by what their argument is: a command says nothing about that itself.
 */
#ifndef KR_VM_IOCTL_H
#define KR_VM_IOCTL_H

#include <stdint.h>

enum kr_ioctl_shape {
	KR_IOCTL_UNKNOWN,
	KR_IOCTL_NUMBER,     /* a number, or nothing */
	KR_IOCTL_PROCESS,    /* the number of a process */
	KR_IOCTL_POINTER,    /* to `size` bytes without a pointer in them */
	KR_IOCTL_DESCRIPTOR, /* a descriptor */
	KR_IOCTL_INTERFACES, /* struct ifconf */
	KR_IOCTL_ROUTE,      /* struct rtentry */
	KR_IOCTL_ETHTOOL,    /* struct ifreq with a command of its own */
	KR_IOCTL_FILE_MAP    /* struct fiemap */
};

struct kr_ioctl {
	enum kr_ioctl_shape shape;
	uint32_t size;
};

/* What the argument of a command is. */
struct kr_ioctl kr_ioctl_describe(uint32_t command);

#endif
