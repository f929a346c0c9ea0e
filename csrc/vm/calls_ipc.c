/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * System V and POSIX message passing: the calls whose last argument depends on a command or on the object.
 */
#include "hypercall.h"

#include <errno.h>
#include <signal.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

kr_handler kr_call_shmctl;
kr_handler kr_call_semctl;
kr_handler kr_call_msgctl;
kr_handler kr_call_msgsnd;
kr_handler kr_call_msgrcv;
kr_handler kr_call_mq_notify;

/* What the kernel's structures need, the largest of a family's. */
#define SHM_BYTES    120u
#define SEM_BYTES    104u
#define MSG_BYTES    120u
#define COOKIE_BYTES 32u /* of a notification for a netlink socket */

/* Commands without a structure. */
static bool is_plain(int command)
{
	return command == IPC_RMID || command == SHM_LOCK || command == SHM_UNLOCK;
}

int64_t kr_call_shmctl(struct kr_thread *thread, const struct kr_call *call)
{
	if (!is_plain((int)(uint32_t)call->arg[1]) && !kr_guest_has(call->arg[2], SHM_BYTES)) {
		return -EFAULT;
	}
	return kr_host_call(thread, SYS_shmctl, call->arg);
}

int64_t kr_call_msgctl(struct kr_thread *thread, const struct kr_call *call)
{
	if ((int)(uint32_t)call->arg[1] != IPC_RMID && !kr_guest_has(call->arg[2], MSG_BYTES)) {
		return -EFAULT;
	}
	return kr_host_call(thread, SYS_msgctl, call->arg);
}

/* GETALL and SETALL take an array as long as the set.  An id never comes back for a set of another size: it
 * carries a sequence number. */
static int64_t check_values(struct kr_thread *thread, const struct kr_call *call)
{
	struct semid_ds set;
	int64_t failed =
		kr_host_call(thread, SYS_semctl,
			     (const uint64_t[6]){ call->arg[0], 0, IPC_STAT, (uint64_t)(uintptr_t)&set, 0, 0 });

	if (failed < 0) {
		return failed;
	}
	return kr_guest_has(call->arg[3], set.sem_nsems * sizeof(uint16_t)) ? 0 : -EFAULT;
}

int64_t kr_call_semctl(struct kr_thread *thread, const struct kr_call *call)
{
	int64_t failed = 0;

	switch ((int)(uint32_t)call->arg[2]) {
	case IPC_RMID:
	case SETVAL:
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		break;
	case GETALL:
	case SETALL:
		failed = check_values(thread, call);
		break;
	default:
		failed = kr_guest_has(call->arg[3], SEM_BYTES) ? 0 : -EFAULT;
		break;
	}
	return failed != 0 ? failed : kr_host_call(thread, SYS_semctl, call->arg);
}

/* A message is its type and as many bytes as the size says. */
static bool is_good_message(const struct kr_call *call)
{
	return call->arg[2] <= INT64_MAX && kr_guest_has(call->arg[1], sizeof(long) + call->arg[2]);
}

int64_t kr_call_msgsnd(struct kr_thread *thread, const struct kr_call *call)
{
	return is_good_message(call) ? kr_host_call(thread, SYS_msgsnd, call->arg) : -EFAULT;
}

int64_t kr_call_msgrcv(struct kr_thread *thread, const struct kr_call *call)
{
	return is_good_message(call) ? kr_host_call(thread, SYS_msgrcv, call->arg) : -EFAULT;
}

/* With SIGEV_THREAD the kernel reads a cookie and takes the descriptor of a netlink socket. */
int64_t kr_call_mq_notify(struct kr_thread *thread, const struct kr_call *call)
{
	struct sigevent event;

	if (call->arg[1] == 0) {
		return kr_host_call(thread, SYS_mq_notify, call->arg);
	}
	if (kr_copy_from_guest(&event, call->arg[1], sizeof event) < 0) {
		return -EFAULT;
	}
	if (event.sigev_notify == SIGEV_THREAD) {
		if (!kr_guest_has((uint64_t)(uintptr_t)event.sigev_value.sival_ptr, COOKIE_BYTES)) {
			return -EFAULT;
		}
		if (kr_is_monitor_fd(event.sigev_signo)) {
			return -EBADF;
		}
	}
	return kr_host_call(thread, SYS_mq_notify,
			    (const uint64_t[6]){ call->arg[0], (uint64_t)(uintptr_t)&event, 0, 0, 0, 0 });
}
