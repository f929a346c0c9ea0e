/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls about the process and its threads as a whole: their end, and the bases of FS and GS.
 */
#include "../base/kernel.h"
#include "layout.h"
#include "machine.h"
#include "thread.h"

#include <asm/prctl.h>
#include <errno.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

int64_t kr_call_exit(struct kr_thread *thread, const struct kr_call *call)
{
	kr_thread_exit(thread, (int)call->arg[0]);
	return 0;
}

int64_t kr_call_exit_group(struct kr_thread *thread, const struct kr_call *call)
{
	/* Other processes may wait for what it holds.  What its other threads hold the kernel releases. */
	kr_robust_list_release(thread, thread->robust_list);
	for (;;) {
		(void)syscall(SYS_exit_group, (int)call->arg[0]);
	}
}

static int64_t set_base(struct kr_thread *thread, struct kvm_segment *segment, uint64_t address)
{
	if (address >= KR_ADDRESSES_END) {
		return -EPERM;
	}
	segment->base = address;
	kr_cpu_segments_changed(thread->cpu);
	return 0;
}

int64_t kr_call_arch_prctl(struct kr_thread *thread, const struct kr_call *call)
{
	struct kvm_sregs *sregs = &thread->cpu->run->s.regs.sregs;
	uint64_t address = call->arg[1];

	switch ((int)call->arg[0]) {
	case ARCH_SET_FS:
		return set_base(thread, &sregs->fs, address);
	case ARCH_SET_GS:
		return set_base(thread, &sregs->gs, address);
	case ARCH_GET_FS:
		return kr_copy_to_guest(address, &sregs->fs.base, sizeof address);
	case ARCH_GET_GS:
		return kr_copy_to_guest(address, &sregs->gs.base, sizeof address);
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV;
	default:
		return -EINVAL;
	}
}

/* The host's mappings are never executable, so READ_IMPLIES_EXEC is the monitor's to keep. */
int64_t kr_call_personality(struct kr_thread *thread, const struct kr_call *call)
{
	const uint32_t wanted = (uint32_t)call->arg[0];
	const bool is_question = wanted == UINT32_MAX;
	const bool before = __atomic_load_n(&thread->machine->reads_execute, __ATOMIC_RELAXED);
	const uint32_t host = is_question ? wanted : wanted & ~(uint32_t)READ_IMPLIES_EXEC;
	int64_t result = kr_host_call(thread, SYS_personality, (const uint64_t[6]){ host });

	if (result < 0) {
		return result;
	}
	if (!is_question) {
		__atomic_store_n(&thread->machine->reads_execute, (wanted & READ_IMPLIES_EXEC) != 0,
				 __ATOMIC_RELAXED);
	}
	return result | (before ? READ_IMPLIES_EXEC : 0);
}

int64_t kr_call_set_tid_address(struct kr_thread *thread, const struct kr_call *call)
{
	if (thread->is_borrower) {
		/* Whoever waits is in another process, and hears of every end. */
		(void)syscall(SYS_set_tid_address, kr_guest_has(call->arg[0], sizeof(uint32_t)) ? call->arg[0] : 0);
		return kr_sys_gettid();
	}
	thread->clear_tid = call->arg[0];
	return kr_sys_gettid();
}
