/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls: how a guest's system call is looked up, filtered, checked and served.
 *
 * The guest's memory is the arena: one fixed range of host addresses, equal to the guest's virtual
 * addresses, in which nothing of the monitor ever lies.  A pointer of the guest is good when what it spans
 * lies in the arena; whether a page is really there, the host's kernel finds out with the same EFAULT that
 * it would give the program without a VM.  Structures that hold pointers are copied out of the arena first
 * and checked in the copy.
 */
#ifndef KR_VM_CALLS_H
#define KR_VM_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_thread; /* one guest thread with its vCPU; thread.h */

struct kr_call {
	int64_t nr; /* Linux x86-64 system-call number */
	uint64_t arg[6];
	uint64_t ip; /* guest address of the instruction after the trap */
};

/* Serve one hypercall from the table of specs/hypercalls.yaml: seccomp, argument check, then forward,
 * emulate or refuse.  Returns what the kernel would: a value, or -errno.  It wants 256 KiB of stack, of
 * which it touches little. */
int64_t kr_dispatch(struct kr_thread *thread, const struct kr_call *call);

/* What a handler named by `serve: emulate` looks like: kr_call_<name>. */
typedef int64_t kr_handler(struct kr_thread *thread, const struct kr_call *call);

/* True when [address, address + size) lies in the arena; size 0 is always good. */
bool kr_guest_has(uint64_t address, uint64_t size);
/* The bytes from `address` to the end of the arena; 0 when it does not lie in it. */
uint64_t kr_guest_room(uint64_t address);

/* Copy between the arena and the monitor.  0, or -EFAULT when the range is not the guest's or not there. */
int kr_copy_from_guest(void *to, uint64_t from, size_t size);
int kr_copy_to_guest(uint64_t to, const void *from, size_t size);
/* Copy a NUL-terminated string of less than `size` bytes.  Its length, -EFAULT or -ENAMETOOLONG. */
int64_t kr_copy_string(char *to, uint64_t from, size_t size);

/* Make a system call on the guest's behalf.  A signal for the guest that arrives before or during it makes
 * it return -EINTR instead of blocking: there is no window in which the signal could be missed. */
int64_t kr_host_call(struct kr_thread *thread, int64_t nr, const uint64_t arg[6]);

/* ---- What the served calls ask of the monitor (memory, threads and signals implement it). ---- */

/* kr_host_call with the guest's signal mask replaced for the time of the call, as ppoll(2) does it. */
int64_t kr_host_call_masked(struct kr_thread *thread, int64_t nr, const uint64_t arg[6], uint64_t mask);

/* True when `fd` is one of the monitor's own descriptors; none of them is KR_MONITOR_FD_END or above. */
#define KR_MONITOR_FD_END 65536
bool kr_is_monitor_fd(int fd);

/* Between these two nobody makes a descriptor of the monitor's: the guest's numbers stay the guest's. */
void kr_begin_turn(struct kr_thread *thread);
void kr_end_turn(struct kr_thread *thread);

/* Another descriptor of the guest's file `fd`, out of its reach until kr_release_file.  Or -EBADF, -EMFILE. */
int kr_hold_file(struct kr_thread *thread, int fd);
void kr_release_file(struct kr_thread *thread, int held);

/* The monitor's sealed image and /dev/kvm, by which files of the guest are told from the monitor's; -1
 * for none. */
int kr_image_fd(struct kr_thread *thread);
int kr_kvm_fd(struct kr_thread *thread);
/* An O_PATH descriptor of the root of a procfs, one of the monitor's own, for its use of thread-self/fd;
 * -1 for none. */
int kr_proc_fd(struct kr_thread *thread);

/* The path of the payload, as /proc/self/exe shows it. */
const char *kr_program_path(struct kr_thread *thread);

/* The thread's filters: zero at first, copied to a new thread. */
struct kr_seccomp *kr_thread_seccomp(struct kr_thread *thread);

/* SECCOMP_RET_TRAP: queue SIGSYS with si_call_addr, si_syscall, si_arch and si_errno = data. */
void kr_seccomp_trap(struct kr_thread *thread, const struct kr_call *call, uint16_t data);
/* SECCOMP_RET_USER_NOTIF, for a call that `notifies` and a program with a listener: ask the agent.  Returns what it
 * answers, or what the kernel says of the call when the agent lets it go on. */
int64_t kr_seccomp_notify(struct kr_thread *thread, const struct kr_call *call);
/* SECCOMP_RET_KILL_*: the thread, or with `process` (and when it is the last thread) the whole payload,
 * dies by SIGSYS, in strict mode by SIGKILL.  Returns only to let the thread find that it is dead. */
void kr_seccomp_kill(struct kr_thread *thread, bool process);

/* ---- What the served calls offer to the monitor. ---- */

/* How the kernel goes on with a call that a signal interrupted before it did anything. */
enum kr_restart {
	KR_RESTART_NEVER = 0, /* EINTR */
	KR_RESTART_SA = 1,    /* restarted unless a handler without SA_RESTART ran (ERESTARTSYS) */
	KR_RESTART_NOHAND = 2 /* restarted unless any handler ran (ERESTARTNOHAND) */
};
enum kr_restart kr_call_restart(int64_t nr);

/* The guest's own robust futex list, walked when its thread ends. */
void kr_robust_list_release(struct kr_thread *thread, uint64_t head);
/* The head of the calling thread's list, 0 for none. */
uint64_t kr_thread_robust_list(const struct kr_thread *thread);
void kr_thread_set_robust_list(struct kr_thread *thread, uint64_t head);

#endif
