/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How the kernel tells the call that an agent is to be asked about from all others of the monitor: by the address
 * behind its SYSCALL instruction.  krun-init loads this filter and sends its listener away; the monitor, which
 * inherits it, has the instruction there (specs/decisions/0012-seccomp-listeners.md).
 */
#ifndef KR_NOTIFY_H
#define KR_NOTIFY_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* Behind all that lies at KR_SYSTEM_BASE of vm/layout.h: neither the guest's nor a place that the kernel gives
 * anybody who does not ask for it.  In the middle of its page. */
#define KR_NOTIFY_IP 0x200040000800ull

/* An array's initializer: USER_NOTIF from there, ALLOW from anywhere else. */
#define KR_NOTIFY_FILTER \
	{ \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)), \
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KR_NOTIFY_IP & 0xffffffffu, 0, 3), \
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
				 offsetof(struct seccomp_data, instruction_pointer) + 4), \
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KR_NOTIFY_IP >> 32, 0, 1), \
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF), \
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), \
	}

/* In the boot record, the head of a program of the container's whose SECCOMP_RET_USER_NOTIF somebody answers has
 * this in `jt`; see kr_seccomp_encode of vm/seccomp.h. */
#define KR_FILTER_HEAD     0xffffu
#define KR_FILTER_LISTENER 1u

#endif
