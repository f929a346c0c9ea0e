/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls about memory that need no knowledge of the guest's mappings.
 */
#include "hypercall.h"
#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

kr_handler kr_call_madvise;
kr_handler kr_call_mincore;
kr_handler kr_call_pkey_mprotect;
kr_handler kr_call_mprotect;

#define PAGE 4096u

/* Who does not want huge pages somewhere is not given them anywhere: programs that know of them ask for them. */
int64_t kr_call_madvise(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;

	if ((int)call->arg[2] == MADV_NOHUGEPAGE) {
		kr_machine_lock_memory(machine);
		machine->refuses_huge = true;
		kr_machine_unlock_memory(machine);
	}
	return kr_forward(thread, call);
}

/* One byte for each page of the range. */
int64_t kr_call_mincore(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t pages = call->arg[1] / PAGE + (call->arg[1] % PAGE != 0 ? 1 : 0);

	uint64_t to = kr_guest_has(call->arg[2], pages) ? call->arg[2] : kr_stand_in(call->arg[2], pages);

	return kr_host_call(thread, SYS_mincore, (const uint64_t[6]){ call->arg[0], call->arg[1], to, 0, 0, 0 });
}

/* There are no keys but the one that stands for none. */
int64_t kr_call_pkey_mprotect(struct kr_thread *thread, const struct kr_call *call)
{
	return (int)(uint32_t)call->arg[3] == -1 ? kr_call_mprotect(thread, call) : -EINVAL;
}
