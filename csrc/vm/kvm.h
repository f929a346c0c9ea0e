/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * KVM's ioctls.  Each returns what the ioctl returns, -1 with errno on failure.  The C libraries do not agree on
 * the type of a command.
 */
#ifndef KR_VM_KVM_H
#define KR_VM_KVM_H

#include <linux/kvm.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int kr_kvm(int fd, unsigned long command, void *argument)
{
	return (int)syscall(SYS_ioctl, fd, command, argument);
}

static inline int kr_kvm_number(int fd, unsigned long command, unsigned long number)
{
	return (int)syscall(SYS_ioctl, fd, command, number);
}

#endif
