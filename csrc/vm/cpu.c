/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu.h"

#include "hardware.h"
#include "kvm.h"
#include "layout.h"
#include "machine.h"
#include "paging.h"
#include "segments.h"

#include <asm/processor-flags.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/resource.h>

#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_SYSCALL_MASK 0xc0000084u

#define VECTOR_PAGE_FAULT 14u
/* The flags that a program may have; the rest is the system's. */
#define USER_FLAGS \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_TF | \
	 X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID)

static int new_page(struct kr_machine *machine, uint64_t gva, int flags, uint64_t *gpa, struct kr_err *err)
{
	*gpa = kr_slots_system_page(&machine->slots, machine->vm);
	if (*gpa == 0) {
		return kr_fail(err, ENOMEM, "find a page for the processor's tables");
	}
	return gva != 0 ? kr_paging_map_system(machine, gva, *gpa, flags, err) : 0;
}

int kr_cpu_shared_tables(struct kr_machine *machine, struct kr_err *err)
{
	uint64_t *bitmap = machine->model.io_bitmap;
	uint64_t stubs;
	uint64_t idt;

	if (kr_paging_map_system(machine, KR_TRAP_GVA, KR_TRAP_GPA, KR_PAGE_USER | KR_PAGE_EXECUTE, err) < 0 ||
	    new_page(machine, KR_STUB_GVA, KR_PAGE_EXECUTE, &stubs, err) < 0 ||
	    new_page(machine, KR_IDT_GVA, 0, &idt, err) < 0 || new_page(machine, 0, 0, &bitmap[0], err) < 0 ||
	    new_page(machine, 0, 0, &bitmap[1], err) < 0) {
		return -1;
	}
	kr_segments_write_stubs(kr_slots_system_at(&machine->slots, stubs));
	kr_segments_write_idt(kr_slots_system_at(&machine->slots, idt));
	kr_segments_write_bitmap(kr_slots_system_at(&machine->slots, bitmap[0]),
				 kr_slots_system_at(&machine->slots, bitmap[1]));
	return 0;
}

static int map_page(struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err)
{
	uint64_t gva = KR_CPU_GVA(cpu->id);
	uint64_t gpa;

	if (new_page(machine, gva, KR_PAGE_WRITE, &gpa, err) < 0) {
		return -1;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (kr_paging_map_system(machine, gva + (i + 1) * KR_PAGE, machine->model.io_bitmap[i], 0, err) <
		    0) {
			return -1;
		}
	}
	cpu->page = kr_slots_system_at(&machine->slots, gpa);
	kr_segments_write_cpu(cpu->page, gva);
	return 0;
}

/* SYSCALL leaves interrupts allowed, which window.h relies on; there are none. */
static int set_system_registers(const struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[3];
	} msrs = { .head = { .nmsrs = 3 },
		   .entries = { { .index = MSR_STAR, .data = KR_STAR },
				{ .index = MSR_LSTAR, .data = KR_TRAP_GVA },
				{ .index = MSR_SYSCALL_MASK,
				  .data = X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_IOPL | X86_EFLAGS_AC |
					  X86_EFLAGS_NT } } };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = machine->model.hardware.xcr0 } } };
	struct kvm_sregs *sregs = &cpu->run->s.regs.sregs;

	if (kr_kvm(cpu->fd, KVM_GET_SREGS, sregs) != 0) {
		return kr_fail(err, errno, "read the processor's registers");
	}
	kr_segments_set(sregs, KR_CPU_GVA(cpu->id));
	sregs->cr0 = machine->model.hardware.cr0;
	sregs->cr3 = KR_ROOT_GPA;
	sregs->cr4 = machine->model.hardware.cr4;
	sregs->efer = machine->model.hardware.efer;
	if (kr_kvm(cpu->fd, KVM_SET_SREGS, sregs) != 0) {
		return kr_fail(err, errno, "set the processor's registers");
	}
	if (machine->model.hardware.xcr0 != 0 && kr_kvm(cpu->fd, KVM_SET_XCRS, &xcrs) != 0) {
		return kr_fail(err, errno, "switch the processor's vector units on");
	}
	if (kr_kvm(cpu->fd, KVM_SET_MSRS, &msrs) != (int)msrs.head.nmsrs) {
		return kr_fail(err, errno, "set the processor's system-call entry");
	}
	return 0;
}

/* The guest's time-stamp counter is the host's, which the vDSO's data speak of. */
static void share_time_stamps(const struct kr_cpu *cpu)
{
	uint64_t offset = 0;
	struct kvm_device_attr attribute = { .group = KVM_VCPU_TSC_CTRL,
					     .attr = KVM_VCPU_TSC_OFFSET,
					     .addr = (uint64_t)(uintptr_t)&offset };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[1];
	} msrs = { .head = { .nmsrs = 1 }, .entries = { { .index = 0x10, .data = __builtin_ia32_rdtsc() } } };

	if (kr_kvm(cpu->fd, KVM_SET_DEVICE_ATTR, &attribute) != 0) {
		(void)kr_kvm(cpu->fd, KVM_SET_MSRS, &msrs);
	}
}

/* Before it was moved, another thread may have closed it and opened a file of the guest's there.  Files of no type
 * have no contents that the guest could give them. */
static bool is_without_type(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && (file.st_mode & S_IFMT) == 0;
}

/* The general registers were changed. */
static void regs_changed(struct kr_cpu *cpu)
{
	cpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}

int kr_cpu_open(struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err)
{
	int fd = KR_BEYOND_LIMITS(machine, kr_kvm_number(machine->vm, KVM_CREATE_VCPU, cpu->id));

	if (fd < 0) {
		return kr_fail(err, errno, "make a virtual processor");
	}
	cpu->fd = kr_descriptors_take(&machine->descriptors, fd);
	if (cpu->fd < 0) {
		return kr_fail(err, errno, "keep a virtual processor's descriptor");
	}
	if (!is_without_type(cpu->fd)) {
		return kr_fail(err, EBADF, "a virtual processor's descriptor was closed");
	}
	cpu->run = mmap(NULL, machine->model.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED) {
		return kr_fail(err, errno, "map a virtual processor");
	}
	if (kr_kvm(cpu->fd, KVM_SET_CPUID2, &machine->model.cpuid) != 0) {
		return kr_fail(err, errno, "tell the processor what it can do");
	}
	if (set_system_registers(machine, cpu, err) < 0) {
		return -1;
	}
	share_time_stamps(cpu);
	cpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	memset(kr_cpu_regs(cpu), 0, sizeof(struct kvm_regs));
	kr_cpu_regs(cpu)->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	regs_changed(cpu);
	return 0;
}

int kr_cpu_begin(struct kr_cpu *cpu, struct kr_err *err)
{
	int result;
	int code;

	cpu->run->immediate_exit = 1;
	result = kr_kvm(cpu->fd, KVM_RUN, NULL);
	code = errno;
	cpu->run->immediate_exit = 0;
	regs_changed(cpu); /* what the caller writes next is to be heeded */
	if (result == 0 || code == EINTR) {
		return 0;
	}
	return kr_fail(err, code, "run a virtual processor: %s",
		       code == EAGAIN ? "too many processes (RLIMIT_NPROC, or the cgroup's limit)"
				      : kr_errno_name(code));
}

static struct kr_cpu *find_free(const struct kr_cpu_pool *pool)
{
	struct kr_cpu *cpu = pool->all;

	while (cpu != NULL && !cpu->is_free) {
		cpu = cpu->next;
	}
	return cpu;
}

/* Room for one more; what is made stays until the process ends. */
static struct kr_cpu *add(struct kr_machine *machine, struct kr_err *err)
{
	struct kr_cpu_pool *pool = &machine->cpus;
	struct kr_cpu *cpu;

	if (pool->slab_left == 0) {
		void *slab = mmap(NULL, KR_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (slab == MAP_FAILED) {
			(void)kr_fail(err, errno, "find memory for a virtual processor");
			return NULL;
		}
		pool->slab = slab;
		pool->slab_left = KR_PAGE / sizeof *cpu;
	}
	cpu = pool->slab;
	*cpu = (struct kr_cpu){ .next = pool->all, .is_free = true, .fd = -1, .id = pool->made };
	if (map_page(machine, cpu, err) < 0) {
		return NULL;
	}
	pool->slab++;
	pool->slab_left--;
	pool->made++;
	pool->all = cpu;
	return cpu;
}

struct kr_cpu *kr_cpu_take(struct kr_machine *machine, struct kr_err *err)
{
	struct kr_cpu *cpu = find_free(&machine->cpus);

	if (cpu == NULL) {
		cpu = add(machine, err);
	}
	if (cpu == NULL || (cpu->fd < 0 && kr_cpu_open(machine, cpu, err) < 0)) {
		return NULL;
	}
	cpu->is_free = false;
	return cpu;
}

void kr_cpu_release(struct kr_cpu *cpu)
{
	cpu->run->immediate_exit = 0;
	__atomic_store_n(&cpu->is_free, true, __ATOMIC_RELEASE);
}

void kr_cpu_forget_all(struct kr_machine *machine, struct kr_cpu *kept)
{
	for (struct kr_cpu *cpu = machine->cpus.all; cpu != NULL; cpu = cpu->next) {
		if (cpu->fd >= 0) {
			(void)munmap(cpu->run, machine->model.run_size);
			kr_descriptors_close(&machine->descriptors, cpu->fd);
			cpu->fd = -1;
		}
		cpu->is_free = cpu != kept;
	}
}

void kr_cpu_segments_changed(struct kr_cpu *cpu)
{
	cpu->run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
}

void kr_cpu_to_user(struct kr_cpu *cpu)
{
	struct kvm_regs *regs = kr_cpu_regs(cpu);
	struct kvm_sregs *sregs = &cpu->run->s.regs.sregs;

	regs->rflags = (regs->rflags & USER_FLAGS) | X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	regs_changed(cpu);
	if ((sregs->cs.selector & 3) != 3) {
		kr_segments_set_user(sregs);
		kr_cpu_segments_changed(cpu);
	}
}

static void read_exception(struct kr_cpu *cpu, struct kr_stop *stop)
{
	struct kvm_regs *regs = kr_cpu_regs(cpu);
	const uint64_t *frame = cpu->page + KR_PAGE / sizeof(uint64_t) - 5;

	stop->error = kr_vector_has_error(stop->vector) ? frame[-1] : 0;
	stop->address = stop->vector == VECTOR_PAGE_FAULT ? cpu->run->s.regs.sregs.cr2 : frame[0];
	if ((frame[1] & 3) != 3) {
		stop->kind = KR_STOP_BROKEN;
		stop->number = KVM_EXIT_EXCEPTION;
		return;
	}
	regs->rip = frame[0];
	regs->rflags = frame[2];
	regs->rsp = frame[3];
	kr_cpu_to_user(cpu);
}

static void run(struct kr_cpu *cpu, struct kr_stop *stop)
{
	int code = kr_kvm(cpu->fd, KVM_RUN, NULL) == 0 ? 0 : errno;

	cpu->run->kvm_dirty_regs = 0;
	kr_hardware_read_stop(cpu->run, code, stop);
	if (stop->has_frame) {
		read_exception(cpu, stop);
	}
	if (stop->kind == KR_STOP_SIGNAL && code == 0 && cpu->run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN) {
		kr_window_miss(&cpu->window);
	}
}

void kr_cpu_run(struct kr_cpu *cpu, struct kr_stop *stop)
{
	kr_window_enter(&cpu->window, cpu->run, __builtin_ia32_rdtsc());
	run(cpu, stop);
	if (stop->kind == KR_STOP_SYSCALL) {
		const struct kvm_regs *regs = kr_cpu_regs(cpu);

		kr_window_hit(&cpu->window, cpu->run, regs->rax, regs->rcx, __builtin_ia32_rdtsc());
	}
}

int kr_cpu_cancel_exception(struct kr_cpu *cpu)
{
	struct kvm_vcpu_events events;

	if (kr_kvm(cpu->fd, KVM_GET_VCPU_EVENTS, &events) != 0) {
		return -errno;
	}
	if (events.exception.injected == 0 && events.exception.pending == 0) {
		return 0;
	}
	events.exception.injected = 0;
	events.exception.pending = 0;
	return kr_kvm(cpu->fd, KVM_SET_VCPU_EVENTS, &events) == 0 ? 0 : -errno;
}

int kr_cpu_get_xsave(const struct kr_cpu *cpu, struct kvm_xsave *xsave)
{
	return kr_kvm(cpu->fd, KVM_GET_XSAVE, xsave) == 0 ? 0 : -errno;
}

int kr_cpu_set_xsave(const struct kr_cpu *cpu, const struct kvm_xsave *xsave)
{
	return kr_kvm(cpu->fd, KVM_SET_XSAVE, (void *)(uintptr_t)xsave) == 0 ? 0 : -errno;
}

int kr_cpu_save(struct kr_cpu *cpu, struct kr_cpu_state *state)
{
	state->regs = *kr_cpu_regs(cpu);
	state->sregs = cpu->run->s.regs.sregs;
	return kr_cpu_get_xsave(cpu, &state->xsave);
}

int kr_cpu_load(struct kr_cpu *cpu, const struct kr_cpu_state *state)
{
	struct kvm_sregs *sregs = &cpu->run->s.regs.sregs;

	*kr_cpu_regs(cpu) = state->regs;
	sregs->fs.base = state->sregs.fs.base;
	sregs->gs.base = state->sregs.gs.base;
	sregs->fs.selector = state->sregs.fs.selector;
	sregs->gs.selector = state->sregs.gs.selector;
	kr_cpu_to_user(cpu);
	kr_cpu_segments_changed(cpu);
	return kr_cpu_set_xsave(cpu, &state->xsave);
}
