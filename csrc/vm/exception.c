/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exception.h"

#include "../base/fd.h"
#include "layout.h"
#include "machine.h"
#include "paging.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define VECTOR_DIVIDE     0u
#define VECTOR_DEBUG      1u
#define VECTOR_BREAKPOINT 3u
#define VECTOR_BOUND      5u
#define VECTOR_OPCODE     6u
#define VECTOR_STACK      12u
#define VECTOR_SEGMENT    11u
#define VECTOR_PAGE_FAULT 14u
#define VECTOR_X87        16u
#define VECTOR_ALIGNMENT  17u
#define VECTOR_SIMD       19u

#define PAGE_FAULT_WRITE   0x02u
#define PAGE_FAULT_EXECUTE 0x10u

#define PAGE_IS_GUARD (1ull << 58)

#define FLOAT_UNKNOWN 14 /* FPE_FLTUNK, which not every C library has */

/* The six exceptions of x87 and SSE have the same bits in both status words. */
static int floating_point_code(uint32_t raised)
{
	if ((raised & 0x01) != 0) {
		return FPE_FLTINV;
	}
	if ((raised & 0x04) != 0) {
		return FPE_FLTDIV;
	}
	if ((raised & 0x08) != 0) {
		return FPE_FLTOVF;
	}
	if ((raised & 0x12) != 0) {
		return FPE_FLTUND;
	}
	return FPE_FLTRES;
}

static int floating_point_reason(struct kr_thread *thread, uint32_t vector)
{
	struct kvm_xsave xsave;
	uint16_t x87[2]; /* control, status */
	uint32_t mxcsr;

	if (kr_cpu_get_xsave(thread->cpu, &xsave) < 0) {
		return FLOAT_UNKNOWN;
	}
	memcpy(x87, xsave.region, sizeof x87);
	memcpy(&mxcsr, &xsave.region[6], sizeof mxcsr);
	if (vector == VECTOR_X87) {
		return floating_point_code(x87[1] & ~(uint32_t)x87[0] & 0x3f);
	}
	return floating_point_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

static siginfo_t signal_of(struct kr_thread *thread, const struct kr_stop *stop)
{
	siginfo_t info = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };

	info.si_addr = (void *)(uintptr_t)stop->address;
	switch (stop->vector) {
	case VECTOR_DIVIDE:
		info.si_signo = SIGFPE;
		info.si_code = FPE_INTDIV;
		break;
	case VECTOR_DEBUG:
		info.si_signo = SIGTRAP;
		info.si_code = TRAP_TRACE;
		break;
	case VECTOR_BREAKPOINT:
		info.si_signo = SIGTRAP;
		info.si_addr = NULL;
		break;
	case VECTOR_BOUND:
		info.si_code = SEGV_BNDERR;
		break;
	case VECTOR_OPCODE:
		info.si_signo = SIGILL;
		info.si_code = ILL_ILLOPN;
		break;
	case VECTOR_SEGMENT:
	case VECTOR_STACK:
		info.si_signo = SIGBUS;
		info.si_addr = NULL;
		break;
	case VECTOR_X87:
	case VECTOR_SIMD:
		info.si_signo = SIGFPE;
		info.si_code = floating_point_reason(thread, stop->vector);
		break;
	case VECTOR_ALIGNMENT:
		info.si_signo = SIGBUS;
		info.si_code = BUS_ADRALN;
		info.si_addr = NULL;
		break;
	default:
		info.si_addr = NULL;
		break;
	}
	return info;
}

/* Whether madvise has put a guard (MADV_GUARD_INSTALL) where the page would be: a bit of the pagemap. */
static bool is_guard_at(const struct kr_machine *machine, uint64_t address)
{
	const off_t at = (off_t)(address / KR_PAGE * sizeof(uint64_t));
	kr_own_fd int pages = openat(machine->proc, machine->proc < 0 ? "/proc/self/pagemap" : "self/pagemap",
				     O_RDONLY | O_CLOEXEC);
	uint64_t page = 0;

	return pages >= 0 && pread(pages, &page, sizeof page, at) == (ssize_t)sizeof page &&
	       (page & PAGE_IS_GUARD) != 0;
}

/* Whether the host maps nothing there: what was not to be a child's too (MADV_DONTFORK). */
static bool is_unmapped(uint64_t address)
{
	unsigned char ignored;

	return mincore((void *)(uintptr_t)(address & ~(KR_PAGE - 1)), KR_PAGE, &ignored) != 0 && errno == ENOMEM;
}

/* The signal for a page that the host lacks. */
static void force_missing(struct kr_thread *thread, uint64_t address, uint64_t error)
{
	const bool is_none = is_unmapped(address) || is_guard_at(thread->machine, address);
	siginfo_t info = { .si_signo = is_none ? SIGSEGV : SIGBUS, .si_code = is_none ? SEGV_MAPERR : BUS_ADRERR };

	thread->search.is_on = false;
	info.si_addr = (void *)(uintptr_t)address;
	kr_signals_force(thread, &info, VECTOR_PAGE_FAULT, error, address);
}

void kr_exception_serve_missing(struct kr_thread *thread)
{
	struct kr_machine *machine = thread->machine;
	struct kr_search *search = &thread->search;
	uint64_t rip = kr_cpu_regs(thread->cpu)->rip;

	if (search->is_on && search->rip == rip) {
		/* All that it touches can be read: it writes where the file system has no room. */
		force_missing(thread, search->last, PAGE_FAULT_WRITE);
		return;
	}
	*search = (struct kr_search){ .is_on = true, .rip = rip };
	kr_machine_lock_memory(machine);
	for (size_t i = 0; i < KR_ARENA_PARTS; i++) {
		kr_paging_drop(machine, kr_arena_parts[i].start, kr_arena_parts[i].end);
	}
	kr_machine_unlock_memory(machine);
}

/* The tables show the page again.  Is it what the instruction has been stopped for? */
static void look_behind(struct kr_thread *thread, const struct kr_stop *stop)
{
	struct kr_search *search = &thread->search;
	uint8_t byte;

	search->is_on = search->is_on && search->rip == kr_cpu_regs(thread->cpu)->rip;
	if (search->is_on && kr_copy_from_guest(&byte, stop->address, sizeof byte) < 0) {
		force_missing(thread, stop->address, stop->error);
	}
	search->last = stop->address;
}

static void serve_page_fault(struct kr_thread *thread, const struct kr_stop *stop)
{
	siginfo_t info = { .si_signo = SIGSEGV };
	enum kr_access access = KR_ACCESS_READ;
	int result;

	if ((stop->error & PAGE_FAULT_WRITE) != 0) {
		access = KR_ACCESS_WRITE;
	} else if ((stop->error & PAGE_FAULT_EXECUTE) != 0) {
		access = KR_ACCESS_EXECUTE;
	}
	result = kr_paging_fault(thread->machine, stop->address, access);
	if (result == 0) {
		look_behind(thread, stop);
		return;
	}
	if (result < 0) {
		/* The host has no memory for page tables: what the kernel's OOM killer does. */
		kr_signals_die(SIGKILL);
	}
	info.si_code = result;
	info.si_addr = (void *)(uintptr_t)stop->address;
	kr_signals_force(thread, &info, stop->vector, stop->error, stop->address);
}

void kr_exception_serve(struct kr_thread *thread, const struct kr_stop *stop)
{
	siginfo_t info;

	if (stop->vector == VECTOR_PAGE_FAULT) {
		serve_page_fault(thread, stop);
		return;
	}
	info = signal_of(thread, stop);
	kr_signals_force(thread, &info, stop->vector, stop->error, 0);
}
