/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include "kvm.h"
#include "layout.h"
#include "memory.h"
#include "rlimit.h"
#include "paging.h"
#include "thread.h"
#include "vdso.h"
#include "worker.h"

#include <errno.h>

static int create_vm(struct kr_machine *machine, struct kr_err *err)
{
	int vm = kr_kvm(machine->kvm, KVM_CREATE_VM, NULL);

	if (vm < 0) {
		return kr_fail(err, errno, "make a virtual machine");
	}
	machine->vm = kr_descriptors_take(&machine->descriptors, vm);
	if (machine->vm < 0) {
		return kr_fail(err, errno, "keep the virtual machine's descriptor");
	}
	return 0;
}

static bool is_apart(uint64_t address)
{
	for (size_t i = 1; i < KR_ARENA_PARTS; i++) {
		const struct kr_span *part = &kr_arena_parts[i];

		if (address >= part->start - KR_FAR_FROM_OWN && address < part->end + KR_FAR_FROM_OWN) {
			return false;
		}
	}
	return address >= KR_SYSTEM_BASE;
}

/* Nothing of the monitor may lie where the guest's memory goes: its stack, its code, what it maps. */
static int check_address_space(const struct kr_machine *machine, struct kr_err *err)
{
	const int on_stack = 0;
	const uint64_t own[] = { (uint64_t)(uintptr_t)&on_stack, (uint64_t)(uintptr_t)&check_address_space,
				 (uint64_t)(uintptr_t)machine->slots.system };

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (!is_apart(own[i])) {
			return kr_fail(err, ENOTSUP,
				       "the monitor was loaded into the guest's address space, at %#llx",
				       (unsigned long long)own[i]);
		}
	}
	return 0;
}

int kr_machine_create(struct kr_machine *machine, int kvm, struct kr_bytes model, struct kr_err *err)
{
	machine->kvm = kr_descriptors_take(&machine->descriptors, kvm);
	if (kr_kvm(machine->kvm, KVM_GET_API_VERSION, NULL) < 0) {
		return kr_fail(err, ENOTSUP, "the descriptor of /dev/kvm does not speak KVM's interface");
	}
	if (create_vm(machine, err) < 0 || kr_slots_create(&machine->slots, machine->vm, err) < 0 ||
	    check_address_space(machine, err) < 0 ||
	    kr_cpu_model_read(&machine->model, machine->kvm, model, err) < 0 ||
	    kr_cpu_shared_tables(machine, err) < 0) {
		return -1;
	}
	machine->slots.gpa_limit = machine->model.hardware.gpa_limit;
	return kr_vdso_map(machine, err);
}

int kr_machine_renew(struct kr_machine *machine, struct kr_cpu *cpu, pid_t reserved, struct kr_err *err)
{
	kr_cpu_forget_all(machine, cpu);
	kr_descriptors_close(&machine->descriptors, machine->vm);
	kr_limits_lift(machine);
	if (create_vm(machine, err) < 0 || kr_slots_register(&machine->slots, machine->vm, err) < 0 ||
	    kr_cpu_open(machine, cpu, err) < 0 || kr_worker_end(machine, cpu, reserved, err) < 0) {
		return -1;
	}
	kr_limits_restore(machine);
	return 0;
}

void kr_machine_lock_memory(struct kr_machine *machine)
{
	if (kr_lock_take(&machine->memory_lock, &kr_thread_current()->holder)) {
		kr_memory_mend(machine);
	}
}

void kr_machine_unlock_memory(struct kr_machine *machine)
{
	kr_lock_drop(&machine->memory_lock, &kr_thread_current()->holder);
}

/* What it guards is changed by single stores, and by threads that a whole process's end ends together. */
void kr_machine_lock_threads(struct kr_machine *machine)
{
	(void)kr_lock_take(&machine->thread_lock, &kr_thread_current()->holder);
}

void kr_machine_unlock_threads(struct kr_machine *machine)
{
	kr_lock_drop(&machine->thread_lock, &kr_thread_current()->holder);
}
