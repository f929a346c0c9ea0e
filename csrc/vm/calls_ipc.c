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

/* A pointer to `size` bytes of the guest, or one to nobody's. */
static uint64_t checked(uint64_t address, uint64_t size)
{
	return kr_guest_has(address, size) ? address : kr_stand_in(address, size);
}

/* Commands without a structure. */
static bool is_plain(int command)
{
	return command == IPC_RMID || command == SHM_LOCK || command == SHM_UNLOCK;
}

int64_t kr_call_shmctl(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t to = is_plain((int)(uint32_t)call->arg[1]) ? 0 : checked(call->arg[2], SHM_BYTES);

	return kr_host_call(thread, SYS_shmctl, (const uint64_t[6]){ call->arg[0], call->arg[1], to, 0, 0, 0 });
}

int64_t kr_call_msgctl(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t to = (int)(uint32_t)call->arg[1] == IPC_RMID ? 0 : checked(call->arg[2], MSG_BYTES);

	return kr_host_call(thread, SYS_msgctl, (const uint64_t[6]){ call->arg[0], call->arg[1], to, 0, 0, 0 });
}

/* GETALL and SETALL take an array as long as the set.  An id never comes back for a set of another size: it
 * carries a sequence number. */
static uint64_t check_values(struct kr_thread *thread, const struct kr_call *call)
{
	struct semid_ds set;
	int64_t failed =
		kr_host_call(thread, SYS_semctl,
			     (const uint64_t[6]){ call->arg[0], 0, IPC_STAT, (uint64_t)(uintptr_t)&set, 0, 0 });

	/* What the kernel has against it, it says again. */
	return failed < 0 ? kr_stand_in(call->arg[3], sizeof(uint16_t))
			  : checked(call->arg[3], set.sem_nsems * sizeof(uint16_t));
}

int64_t kr_call_semctl(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t argument = call->arg[3];

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
		argument = check_values(thread, call);
		break;
	default:
		argument = checked(argument, SEM_BYTES);
		break;
	}
	return kr_host_call(thread, SYS_semctl,
			    (const uint64_t[6]){ call->arg[0], call->arg[1], call->arg[2], argument, 0, 0 });
}

/* A message is its type and as many bytes as the size says; of a negative size it is no more than the type. */
static int64_t pass_message(struct kr_thread *thread, int64_t nr, const struct kr_call *call)
{
	uint64_t size = sizeof(long) + (call->arg[2] > INT64_MAX ? 0 : call->arg[2]);
	const uint64_t arg[6] = { call->arg[0], checked(call->arg[1], size),
				  call->arg[2], call->arg[3],
				  call->arg[4], 0 };

	return kr_host_call(thread, nr, arg);
}

int64_t kr_call_msgsnd(struct kr_thread *thread, const struct kr_call *call)
{
	return pass_message(thread, SYS_msgsnd, call);
}

int64_t kr_call_msgrcv(struct kr_thread *thread, const struct kr_call *call)
{
	return pass_message(thread, SYS_msgrcv, call);
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
