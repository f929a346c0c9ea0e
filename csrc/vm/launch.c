/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch.h"

#include "../base/fd.h"
#include "awaited.h"
#include "barrier.h"
#include "confine.h"
#include "rlimit.h"
#include "load.h"
#include "notify.h"
#include "stack.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* `ps` shows the payload.  The break stays the monitor's own: the guest's is no business of the kernel's. */
static int show_as_payload(const char *name, const struct kr_image *image, const struct kr_stack *stack,
			   struct kr_err *err)
{
	const char *slash = strrchr(name, '/');
	uint64_t brk = (uint64_t)syscall(SYS_brk, 0);
	struct prctl_mm_map map = { .start_code = image->code_start,
				    .end_code = image->code_end,
				    .start_data = image->data_start,
				    .end_data = image->data_end,
				    .start_brk = brk,
				    .brk = brk,
				    .start_stack = stack->pointer,
				    .arg_start = stack->args_start,
				    .arg_end = stack->args_end,
				    .env_start = stack->env_start,
				    .env_end = stack->env_end,
				    .auxv = (void *)(uintptr_t)stack->aux_start,
				    .auxv_size = stack->aux_bytes,
				    .exe_fd = (__u32)-1 };

	(void)prctl(PR_SET_NAME, slash != NULL ? slash + 1 : name);
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) {
		return kr_fail(err, errno, "show the payload's command line");
	}
	return 0;
}

static void take_descriptors(struct kr_boot *boot, struct kr_machine *machine)
{
	kr_descriptors_create(&machine->descriptors, machine->limits.kept[RLIMIT_NOFILE].soft);
	machine->image = boot->image >= 0 ? kr_descriptors_take(&machine->descriptors, boot->image) : -1;
	machine->proc = boot->proc >= 0 ? kr_descriptors_take(&machine->descriptors, boot->proc) : -1;
	boot->proc = machine->proc;
	kr_awaited_keep_place(machine);
}

/* The container's filter is the guest's, and narrows the monitor's own, which is set once and inherited. */
static int confine(const struct kr_boot *boot, struct kr_thread *thread, struct kr_err *err)
{
	const struct sock_filter *code = (const struct sock_filter *)(const void *)boot->filter.data;
	size_t size = boot->filter.size / sizeof *code;

	if (boot->filter.size % sizeof *code != 0) {
		return kr_fail(err, EPROTO, "the boot record's filter has %u bytes", boot->filter.size);
	}
	if (size > 0 && kr_seccomp_decode(&thread->seccomp, code, size, err) < 0) {
		return -1;
	}
	if (kr_notify_prepare(&thread->seccomp, err) < 0) {
		return -1;
	}
	if ((boot->flags & KR_BOOT_CONFINED) != 0) {
		thread->seccomp.no_new_privs = (boot->flags & KR_BOOT_NO_NEW_PRIVS) != 0;
		return 0;
	}
	thread->seccomp.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	return kr_confine(code, size, err);
}

/* A program that came by a descriptor alone is known by its file, which of a script is the interpreter. */
static const char *shown_name(const struct kr_boot *boot, const struct kr_machine *machine)
{
	const char directory[] = "/dev/fd/";
	size_t size = sizeof directory - 1;
	bool is_number = (boot->flags & KR_BOOT_BY_NUMBER) != 0 && strncmp(boot->name, directory, size) == 0 &&
			 strchr(boot->name + size, '/') == NULL;

	return is_number ? machine->program : boot->name;
}

/* The descriptor by which the program was handed over. */
static void close_program(const struct kr_boot *boot)
{
	const char *slash = strrchr(boot->program, '/');

	if ((boot->flags & KR_BOOT_BY_NUMBER) != 0 && slash != NULL) {
		(void)close(atoi(slash + 1));
	}
}

static int pass_barrier(struct kr_boot *boot, struct kr_machine *machine, struct kr_err *err)
{
	kr_own_fd int pipe = kr_barrier_open(boot, err);

	if (pipe < 0) {
		return -1;
	}
	/* Once `started` is written not even RLIMIT_FSIZE is in the way any more. */
	if (kr_barrier_mark(boot, err) < 0 || kr_limits_settle(machine, boot->limits, err) < 0) {
		kr_barrier_fail(boot, pipe, err);
		return -1;
	}
	kr_barrier_ready(pipe);
	return 0;
}

int kr_launch(struct kr_boot *boot, struct kr_machine *machine, struct kr_thread *thread, struct kr_err *err)
{
	struct kr_image image = { .script_args = 0 };
	struct kr_stack stack;

	if (kr_limits_begin(machine, boot->limits, err) < 0) {
		return -1;
	}
	take_descriptors(boot, machine);
	if (kr_machine_create(machine, boot->kvm, boot->model, err) < 0) {
		return -1;
	}
	*thread = (struct kr_thread){ .machine = machine,
				      .actions = &machine->actions,
				      .descriptors = &machine->descriptors,
				      .is_main = true };
	machine->threads = 1;
	kr_thread_adopt(thread);
	kr_thread_enter(thread);
	kr_signals_inherit(thread);
	if (kr_stack_place(machine, err) < 0 || kr_load(machine, boot->program, boot->name, &image, err) < 0 ||
	    kr_stack_build(machine, &image, boot->name, boot->args, boot->env, &stack, err) < 0) {
		return -1;
	}
	close_program(boot);
	thread->cpu = kr_cpu_take(machine, err);
	if (thread->cpu == NULL) {
		return -1;
	}
	if (kr_worker_end(machine, thread->cpu, boot->reserved, err) < 0) {
		return -1;
	}
	kr_cpu_regs(thread->cpu)->rip = image.entry;
	kr_cpu_regs(thread->cpu)->rsp = stack.pointer;
	if (show_as_payload(shown_name(boot, machine), &image, &stack, err) < 0 || confine(boot, thread, err) < 0) {
		return -1;
	}
	if ((boot->flags & KR_BOOT_BARRIER) != 0) {
		if (pass_barrier(boot, machine, err) < 0) {
			return -1;
		}
		kr_barrier_show(boot);
		return 0;
	}
	kr_close_fd(&boot->sync);
	kr_close_fd(&boot->fifo);
	kr_close_fd(&boot->started);
	return kr_limits_settle(machine, boot->limits, err);
}
