/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * System V's shared memory, semaphores and messages, and POSIX messages.
 */
#include "suite.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

struct message {
	long type;
	char text[100];
};

static char room[PAGE];

TEST(shmget02)
{
	int id = (int)say_done("new", S(shmget, 0x1234, PAGE, IPC_CREAT | 0600));

	say("exclusive", S(shmget, 0x1234, PAGE, IPC_CREAT | IPC_EXCL | 0600));
	say("larger", S(shmget, 0x1234, 10 * PAGE, 0));
	say("missing", S(shmget, 0x4321, PAGE, 0));
	say("nothing", S(shmget, IPC_PRIVATE, 0, IPC_CREAT | 0600));
	say("everything", S(shmget, IPC_PRIVATE, -1l, IPC_CREAT | 0600));
	say("remove", S(shmctl, id, IPC_RMID, NULL));
}

TEST(shmat02)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	char *at = shmat(id, NULL, 0);
	char *again = shmat(id, NULL, SHM_RDONLY);
	struct shmid_ds info;

	at[5] = 'x';
	say("shared", again[5]);
	say("id", S(shmat, 12345, NULL, 0));
	say("odd", S(shmat, id, at + 1, 0));
	say("over something", S(shmat, id, at, 0));
	say("over something on purpose", S(shmat, id, at, SHM_REMAP) == (long)at);
	say("remap nowhere", S(shmat, id, NULL, SHM_REMAP));
	say("kernel", S(shmat, id, 0xffff888000000000ul, 0));
	say("rounded", S(shmat, id, hole + 100, SHM_RND) == (long)hole);
	say("attached", (shmctl(id, IPC_STAT, &info), (long)info.shm_nattch));
	say("detach", S(shmdt, at));
	say("attached", (shmctl(id, IPC_STAT, &info), (long)info.shm_nattch));
	say("no right", (become_nobody(), S(shmat, id, NULL, 0)));
}

TEST(shmdt02)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	char *at = shmat(id, NULL, 0);

	say("odd", S(shmdt, at + 1));
	say("hole", S(shmdt, hole));
	say("middle", S(shmdt, at + PAGE));
	say("other memory", S(shmdt, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	say("detach", S(shmdt, at));
	say("again", S(shmdt, at));
	say("kernel", S(shmdt, 0xffff888000000000ul));
}

TEST(shmctl01)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	struct shmid_ds info;

	say("stat", S(shmctl, id, IPC_STAT, &info));
	say("size", (long)info.shm_segsz);
	say("mode", info.shm_perm.mode);
	say("set", (info.shm_perm.mode = 0640, S(shmctl, id, IPC_SET, &info)));
	say("id", S(shmctl, -1, IPC_STAT, &info));
	say("id, no room", S(shmctl, -1, IPC_STAT, NULL));
	say("command", S(shmctl, id, 99, &info));
	say("command, no room", S(shmctl, id, 99, NULL));
	say("lock", S(shmctl, id, SHM_LOCK, NULL));
	say_done("info", S(shmctl, 0, IPC_INFO, &room));
	EACH_BAD_OUT("stat", S(shmctl, id, IPC_STAT, P));
	EACH_BAD_IN("set", S(shmctl, id, IPC_SET, P));
	say("remove", S(shmctl, id, IPC_RMID, -1l));
	say("again", S(shmctl, id, IPC_RMID, NULL));
}

TEST(semget02)
{
	say_done("new", S(semget, 0x1234, 3, IPC_CREAT | 0600));
	say("exclusive", S(semget, 0x1234, 3, IPC_CREAT | IPC_EXCL | 0600));
	say("more", S(semget, 0x1234, 10, 0));
	say("missing", S(semget, 0x4321, 3, 0));
	say("negative", S(semget, IPC_PRIVATE, -1, IPC_CREAT));
	say("none", S(semget, IPC_PRIVATE, 0, IPC_CREAT));
}

TEST(semop02)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	struct sembuf up = { 0, 3, 0 };
	struct sembuf down = { 1, -1, IPC_NOWAIT };
	struct sembuf beyond = { 9, 1, 0 };

	say("up", S(semop, id, &up, 1));
	say("value", semctl(id, 0, GETVAL));
	say("busy", S(semop, id, &down, 1));
	say("number", S(semop, id, &beyond, 1));
	say("none", S(semop, id, &up, 0));
	say("none, no operations", S(semop, id, NULL, 0));
	say("many", S(semop, id, &up, 100000));
	say("id", S(semop, -1, &up, 1));
	say("id, no operations", S(semop, -1, NULL, 1));
	say("too large", (up.sem_op = 32767, S(semop, id, &up, 1)));
	EACH_BAD_IN("operations", S(semop, id, P, 2));
}

TEST(semtimedop02)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf down = { 0, -1, 0 };
	struct timespec soon = { 0, 1000 };
	struct timespec wrong = { 0, -1 };

	say("timeout", S(semtimedop, id, &down, 1, &soon));
	say("nanoseconds", S(semtimedop, id, &down, 1, &wrong));
	EACH_BAD_IN("timeout", S(semtimedop, id, &down, 1, P != NULL ? P : hole));
	EACH_BAD_IN("operations", S(semtimedop, id, P, 2, &soon));
}

TEST(semctl02)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	unsigned short values[3] = { 1, 2, 3 };
	struct semid_ds info;

	say("set all", S(semctl, id, 0, SETALL, values));
	say("get", S(semctl, id, 1, GETVAL, 0));
	say("get all", (memset(values, 0, sizeof values), S(semctl, id, 0, GETALL, values)));
	say("last", values[2]);
	say("set", S(semctl, id, 1, SETVAL, 9));
	say("set too large", S(semctl, id, 1, SETVAL, 40000));
	say("negative", S(semctl, id, 1, SETVAL, -1));
	say("number", S(semctl, id, 7, GETVAL, 0));
	say("waiting", S(semctl, id, 0, GETNCNT, 0));
	say("stat", S(semctl, id, 0, IPC_STAT, &info));
	say("count", (long)info.sem_nsems);
	say("command", S(semctl, id, 0, 99, &info));
	say("id", S(semctl, -1, 0, IPC_STAT, &info));
	say("id, all", S(semctl, -1, 0, GETALL, NULL));
	say_done("info", S(semctl, 0, 0, IPC_INFO, room));
	EACH_BAD_OUT("stat", S(semctl, id, 0, IPC_STAT, P));
	EACH_BAD_OUT("all", S(semctl, id, 0, GETALL, P));
	EACH_BAD_IN("set all", S(semctl, id, 0, SETALL, P));
	say("remove", S(semctl, id, 0, IPC_RMID, 0));
	say("again", S(semctl, id, 0, IPC_RMID, 0));
}

TEST(msgget02)
{
	say_done("new", S(msgget, 0x1234, IPC_CREAT | 0600));
	say("exclusive", S(msgget, 0x1234, IPC_CREAT | IPC_EXCL | 0600));
	say("missing", S(msgget, 0x4321, 0));
}

TEST(msgsnd02)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct message message = { 1, "hello" };

	say("send", S(msgsnd, id, &message, 5, 0));
	say("empty", S(msgsnd, id, &message, 0, 0));
	say("type", (message.type = 0, S(msgsnd, id, &message, 5, 0)));
	say("negative type", (message.type = -1, S(msgsnd, id, &message, 5, 0)));
	message.type = 1;
	say("large", S(msgsnd, id, &message, 100000, 0));
	say("negative", S(msgsnd, id, &message, -1l, 0));
	say("id", S(msgsnd, -1, &message, 5, 0));
	say("id, no message", S(msgsnd, -1, NULL, 5, 0));
	EACH_BAD_IN("message", S(msgsnd, id, P, 10, IPC_NOWAIT));
}

TEST(msgrcv03)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct message message = { 5, "hello" };

	say("nothing", S(msgrcv, id, &message, 10, 0, IPC_NOWAIT));
	say("nothing, no room", S(msgrcv, id, NULL, 10, 0, IPC_NOWAIT));
	say("send", S(msgsnd, id, &message, 5, 0));
	say("other type", S(msgrcv, id, &message, 10, 7, IPC_NOWAIT));
	say("too small", S(msgrcv, id, &message, 2, 0, IPC_NOWAIT));
	say("copy", S(msgrcv, id, &message, 10, 0, IPC_NOWAIT | MSG_COPY));
	say("except", S(msgrcv, id, &message, 10, 5, IPC_NOWAIT | MSG_EXCEPT));
	say("cut", S(msgrcv, id, &message, 2, -6l, MSG_NOERROR));
	say("type", message.type);
	say("negative", S(msgrcv, id, &message, -1l, 0, IPC_NOWAIT));
	say("id", S(msgrcv, -1, &message, 10, 0, IPC_NOWAIT));
	for (size_t i = 0; i < bad_count + 1; i++) {
		msgsnd(id, &message, 5, IPC_NOWAIT);
	}
	EACH_BAD_OUT("message", S(msgrcv, id, P, 10, 0, IPC_NOWAIT));
}

TEST(msgctl02)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds info;

	say("stat", S(msgctl, id, IPC_STAT, &info));
	say("set", (info.msg_qbytes = 100, S(msgctl, id, IPC_SET, &info)));
	say("command", S(msgctl, id, 99, &info));
	say("id", S(msgctl, -1, IPC_STAT, &info));
	EACH_BAD_OUT("stat", S(msgctl, id, IPC_STAT, P));
	EACH_BAD_IN("set", S(msgctl, id, IPC_SET, P));
	say("remove", S(msgctl, id, IPC_RMID, -1l));
}

TEST(mq_open01)
{
	struct mq_attr attributes = { .mq_maxmsg = 3, .mq_msgsize = 16 };

	say_done("new", S(mq_open, "q", O_CREAT | O_RDWR, 0600, &attributes));
	say("exclusive", S(mq_open, "q", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes));
	say("missing", S(mq_open, "r", O_RDWR, 0, NULL));
	say("slash", S(mq_open, "/q", O_RDWR, 0, NULL));
	say("empty", S(mq_open, "", O_RDWR, 0, NULL));
	say("attributes", (attributes.mq_maxmsg = -1, S(mq_open, "s", O_CREAT | O_RDWR, 0600, &attributes)));
	EACH_BAD_IN("name", S(mq_open, P, O_RDWR, 0, NULL));
	EACH_BAD_IN("attributes", S(mq_open, "t", O_CREAT | O_RDWR, 0600, P != NULL ? P : hole));
}

TEST(mq_unlink01)
{
	struct mq_attr attributes = { .mq_maxmsg = 3, .mq_msgsize = 16 };

	say("missing", S(mq_unlink, "u"));
	say_done("new", S(mq_open, "u", O_CREAT | O_RDWR, 0600, &attributes));
	say("unlink", S(mq_unlink, "u"));
	EACH_BAD_IN("name", S(mq_unlink, P));
}

static int queue(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 16 };

	return (int)S(mq_open, name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
}

TEST(mq_timedsend01)
{
	int fd = queue("a");
	struct timespec wrong = { 0, -1 };

	say("large", S(mq_timedsend, fd, room, 17, 0, NULL));
	say("priority", S(mq_timedsend, fd, room, 5, 40000, NULL));
	EACH_BAD_IN("message", S(mq_timedsend, fd, P, 10, 0, NULL));
	say("send", S(mq_timedsend, fd, "hello", 5, 3, NULL));
	say("time", S(mq_timedsend, fd, "hello", 5, 3, &wrong));
	say("second", S(mq_timedsend, fd, "world", 5, 7, NULL));
	say("full", S(mq_timedsend, fd, "hello", 5, 3, NULL));
	say("no queue", S(mq_timedsend, 1, "hello", 5, 3, NULL));
	say("no descriptor", S(mq_timedsend, -1, NULL, 5, 3, NULL));
}

TEST(mq_timedreceive01)
{
	int fd = queue("b");
	unsigned priority = 0;

	say("nothing", S(mq_timedreceive, fd, room, 16, &priority, NULL));
	say("small", S(mq_timedreceive, fd, room, 5, &priority, NULL));
	(void)S(mq_timedsend, fd, "hello", 5, 3, NULL);
	(void)S(mq_timedsend, fd, "world!", 6, 7, NULL);
	say("receive", S(mq_timedreceive, fd, room, 16, &priority, NULL));
	say_bytes("bytes", room, 6);
	say("priority", priority);
	EACH_BAD_IN("timeout", S(mq_timedreceive, fd, room, 16, NULL, P != NULL ? P : hole));
	say("bad message", S(mq_timedreceive, fd, hole, 16, NULL, NULL));
	say("gone", S(mq_timedreceive, fd, room, 16, NULL, NULL));
	say("no descriptor", S(mq_timedreceive, -1, NULL, 5, NULL, NULL));
}

TEST(mq_notify01)
{
	int fd = queue("c");
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };

	say("none", S(mq_notify, fd, NULL));
	say("signal", S(mq_notify, fd, &event));
	say("busy", S(mq_notify, fd, &event));
	say("number", (event.sigev_signo = 1000, S(mq_notify, fd, &event)));
	say("kind", (event.sigev_notify = 77, S(mq_notify, fd, &event)));
	say("no queue", (event = (struct sigevent){ .sigev_notify = SIGEV_NONE }, S(mq_notify, 1, &event)));
	say("no descriptor", S(mq_notify, -1, &event));
	EACH_BAD_IN("event", S(mq_notify, fd, P != NULL ? P : hole));
}

TEST(mq_getsetattr01)
{
	int fd = queue("d");
	struct mq_attr old;
	struct mq_attr new = { .mq_flags = 0 };

	say("get", S(mq_getsetattr, fd, NULL, &old));
	say("flags", old.mq_flags);
	say("size", old.mq_msgsize);
	say("set", S(mq_getsetattr, fd, &new, &old));
	say("unknown flags", (new.mq_flags = 7, S(mq_getsetattr, fd, &new, &old)));
	EACH_BAD_IN("new", S(mq_getsetattr, fd, P != NULL ? P : hole, NULL));
	EACH_BAD_OUT("old", S(mq_getsetattr, fd, NULL, P != NULL ? P : hole));
}
