/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * execve and execveat: the monitor executes its own sealed image again, with a new boot record.  Everything that
 * can be wrong with the program is found before, and is an errno of the call.
 */
#include "boot.h"
#include "grow.h"
#include "layout.h"
#include "rlimit.h"
#include "running.h"
#include "load.h"
#include "machine.h"
#include "thread.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As Linux has it. */
#define STRING_MAX    (32 * KR_PAGE) /* of one argument */
#define STRINGS_MAX   (6ull << 20)   /* of all */
#define STRINGS_LEAST (128ull << 10) /* of all, whatever the limit of the stack */

/* The kernel opens a program without a descriptor; the monitor's may be one too many. */
static int check_program(struct kr_thread *thread, const char *path, struct kr_err *err)
{
	struct kr_machine *machine = thread->machine;
	int result = kr_load_check(thread, path, err);

	if (result < 0 && err->code == EMFILE) {
		kr_limits_lift(machine);
		result = kr_load_check(thread, path, err);
		kr_limits_restore(machine);
	}
	return result;
}

/* What all strings and their pointers may take: a quarter of the stack, or the least, as far as the stack has room
 * for it. */
static uint64_t strings_limit(const struct kr_machine *machine)
{
	const uint64_t stack = machine->limits.kept[RLIMIT_STACK].soft;
	const uint64_t quarter = stack / 4 < STRINGS_MAX ? stack / 4 : STRINGS_MAX;
	const uint64_t half = stack / 2 > STRINGS_LEAST / 2 ? stack / 2 : STRINGS_LEAST / 2;
	const uint64_t least = half < STRINGS_LEAST ? half : STRINGS_LEAST;

	return quarter > least ? quarter : least;
}

/* Count `size` bytes.  0, or -E2BIG when there are not so many left. */
static int count_bytes(uint64_t *left, uint64_t size)
{
	if (size > *left) {
		return -E2BIG;
	}
	*left -= size;
	return 0;
}

static int put_guest_string(struct kr_boot_writer *writer, uint64_t from, uint64_t *left)
{
	char text[STRING_MAX];
	int64_t length = kr_copy_string(text, from, sizeof text);

	if (length < 0) {
		return length == -ENAMETOOLONG ? -E2BIG : (int)length;
	}
	if (count_bytes(left, (uint64_t)length + 1 + sizeof(uint64_t)) < 0) {
		return -E2BIG;
	}
	kr_boot_put_string(writer, text);
	return writer->failed;
}

/* Copy a NULL-terminated vector of strings.  A program always has at least one argument: with `at_least_one`
 * an empty vector becomes one empty string, as in Linux since 5.18. */
static int put_guest_strings(struct kr_boot_writer *writer, uint64_t from, bool at_least_one, uint64_t *left)
{
	size_t list = kr_boot_begin_list(writer);
	uint32_t count = 0;
	uint64_t pointer = 0;
	int result = 0;

	while (from != 0 && result == 0) {
		if (kr_copy_from_guest(&pointer, from + count * sizeof pointer, sizeof pointer) < 0) {
			return -EFAULT;
		}
		if (pointer == 0) {
			break;
		}
		result = put_guest_string(writer, pointer, left);
		count++;
	}
	if (result == 0 && count == 0 && at_least_one) {
		kr_boot_put_string(writer, "");
		count = 1;
	}
	kr_boot_end_list(writer, list, count);
	return result;
}

/* /proc/self/exe leads to the monitor; the guest means its own program. */
static bool is_monitor(const struct kr_machine *machine, int directory, const char *path)
{
	struct stat named;
	struct stat image;

	return fstatat(directory, path, &named, path[0] == 0 ? AT_EMPTY_PATH : 0) == 0 &&
	       fstat(machine->image, &image) == 0 && named.st_dev == image.st_dev && named.st_ino == image.st_ino;
}

/* What runs behind `path`: a descriptor, or -errno; -ENOLINK where the path does not lead to a monitor.  A name
 * would not do: the file may be deleted, have none at all (memfd_create), or lie outside of the root that the
 * process has by now. */
static int hold_running(const struct kr_machine *machine, int directory, const char *path)
{
	int program = kr_running_hold(machine, directory, path);

	if (program < 0 && !is_monitor(machine, directory, path)) {
		return -ENOLINK;
	}
	if (program < 0) {
		program = kr_running_hold(machine, machine->proc, "thread-self/exe");
	}
	if (program < 0) {
		program = open(machine->program, O_PATH | O_CLOEXEC);
	}
	return program >= 0 ? program : -errno;
}

/* What is executed. */
struct target {
	const char *program; /* its path */
	const char *name;    /* what it is told about its path */
	bool is_by_number;   /* the path ends in the number of a descriptor of the next image's */
	pid_t reserved;      /* room for a task, see worker.h */
};

static int write_record(struct kr_thread *thread, const struct kr_call *call, const struct target *target,
			struct kr_boot_writer *writer)
{
	const struct kr_machine *machine = thread->machine;
	const uint32_t no_new_privs = thread->seccomp.no_new_privs ? KR_BOOT_NO_NEW_PRIVS : 0;
	const uint32_t by_number = target->is_by_number ? KR_BOOT_BY_NUMBER : 0;
	const unsigned first = call->nr == SYS_execveat ? 2 : 1;
	const struct kr_boot head = { .flags = KR_BOOT_CONFINED | KR_BOOT_MODEL | KR_BOOT_NAME | KR_BOOT_RESERVED |
					       no_new_privs | by_number,
				      .sync = -1,
				      .fifo = -1,
				      .started = -1,
				      .proc = machine->proc,
				      .kvm = machine->kvm,
				      .image = machine->image };
	size_t filters = kr_seccomp_encoded_size(&thread->seccomp);
	uint64_t left = strings_limit(machine);
	struct sock_filter *code;
	const struct kr_bytes model = kr_cpu_model_bytes(&machine->model);
	uint8_t *limits;
	uint8_t *copy;
	int result;

	kr_boot_begin(writer, &head);
	kr_boot_put_string(writer, target->program);
	result = count_bytes(&left, strlen(target->name) + 1);
	if (result == 0) {
		result = put_guest_strings(writer, call->arg[first], true, &left);
	}
	if (result == 0) {
		result = put_guest_strings(writer, call->arg[first + 1], false, &left);
	}
	code = kr_boot_put_bytes(writer, filters * sizeof *code);
	if (code != NULL) {
		kr_seccomp_encode(&thread->seccomp, code);
	}
	limits = kr_boot_put_bytes(writer, kr_limits_record_size());
	if (limits != NULL) {
		kr_limits_record(machine, limits);
	}
	copy = kr_boot_put_bytes(writer, model.size);
	if (copy != NULL) {
		memcpy(copy, model.data, model.size);
	}
	kr_boot_put_string(writer, target->name);
	kr_boot_put_number(writer, target->reserved);
	return result != 0 ? result : kr_boot_finish(writer);
}

/* Before the file was moved out of the guest's reach, another thread may have got hold of it, or have put one of
 * its own there.  Whosever it is: from here on nobody can change it, and it holds the record. */
static bool is_sealed(int fd, const struct kr_boot_writer *writer)
{
	uint8_t part[4096];
	size_t done = 0;

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
		return false;
	}
	for (ssize_t size = 1; size > 0; done += (size_t)size) {
		size = pread(fd, part, sizeof part, (off_t)done);
		if (size < 0 || (size_t)size > writer->size - done ||
		    memcmp(part, writer->data + done, (size_t)size) != 0) {
			return false;
		}
	}
	return done == writer->size;
}

static int make_file(struct kr_thread *thread, const struct kr_boot_writer *writer)
{
	struct kr_machine *machine = thread->machine;
	int fd = KR_BEYOND_LIMITS(machine, memfd_create("krun-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	size_t done = 0;

	if (fd < 0) {
		return -errno;
	}
	fd = kr_descriptors_hold(thread, fd);
	if (fd < 0) {
		return fd;
	}
	while (done < writer->size) {
		ssize_t part = write(fd, writer->data + done, writer->size - done);

		if (part < 0) {
			kr_descriptors_close(thread->descriptors, fd);
			return -ENOMEM;
		}
		done += (size_t)part;
	}
	if (!is_sealed(fd, writer)) {
		kr_descriptors_close(thread->descriptors, fd);
		return -EBADF;
	}
	return fd;
}

static void keep_on_exec(int fd, bool keep)
{
	if (fd >= 0) {
		(void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
	}
}

/* Returns only when it failed: -errno.  `record` is a descriptor of the next image's, or -1. */
static int execute(struct kr_thread *thread, int record, char *const args[])
{
	struct kr_machine *machine = thread->machine;
	const int kept[] = { record, machine->kvm, machine->image, machine->proc };
	char *const env[] = { NULL };
	int failed;

	if (!kr_signals_begin_exec(thread)) {
		return -EINTR;
	}
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		keep_on_exec(kept[i], true);
	}
	(void)syscall(SYS_execveat, machine->image, "", args, env, AT_EMPTY_PATH);
	failed = errno;
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		keep_on_exec(kept[i], false);
	}
	kr_signals_abandon_exec(thread);
	return -failed;
}

static int execute_by_file(struct kr_thread *thread, int record)
{
	char number[16];
	char *const args[] = { "krun-vm", "--boot", number, NULL };

	(void)snprintf(number, sizeof number, "%d", record);
	return execute(thread, record, args);
}

/* Cut where it has NULs the record is a list of words, and the kernel lays those down again one behind the other
 * (specs/monitor.md).  The last one is ended by the byte that kr_boot_finish put behind the record. */
static int execute_by_words(struct kr_thread *thread, const struct kr_boot_writer *writer)
{
	void *items = NULL;
	size_t capacity = 0;
	size_t count = 2;
	char *at = (char *)writer->data;
	char *const end = at + writer->size;
	int result = 0;

	for (; at <= end && result == 0; at += strlen(at) + 1) {
		result = kr_grow(KR_ITEMS(items), &capacity, count + 2, sizeof(char *));
		if (result == 0) {
			((char **)items)[count++] = at;
		}
	}
	if (result == 0) {
		char **words = items;

		words[0] = "krun-vm";
		words[1] = "--record";
		words[count] = NULL;
		result = execute(thread, -1, words);
	}
	if (items != NULL) {
		(void)munmap(items, capacity * sizeof(char *));
	}
	return result;
}

/* RLIMIT_FSIZE counts for the file of a record too, and its hard limit cannot be lifted. */
static bool may_write(size_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
}

/* Everything is known of the next image.  Returns only when it failed: -errno. */
static int64_t exec_target(struct kr_thread *thread, const struct kr_call *call, const struct target *target)
{
	struct kr_boot_writer writer;
	int result = write_record(thread, call, target, &writer);
	int record = -1;

	/* What is handed over by a descriptor could be another's in a table that another process has as well. */
	if (result == 0 && (thread->machine->shares_files || !may_write(writer.size))) {
		result = execute_by_words(thread, &writer);
		kr_boot_release(&writer);
		return result;
	}
	record = result == 0 ? make_file(thread, &writer) : result;
	kr_boot_release(&writer);
	if (record < 0) {
		return record;
	}
	result = execute_by_file(thread, record);
	kr_descriptors_close(thread->descriptors, record);
	return result;
}

static pid_t reserve(struct kr_machine *machine)
{
	pid_t reserved;

	kr_machine_lock_memory(machine);
	reserved = kr_worker_reserve(machine);
	kr_machine_unlock_memory(machine);
	return reserved;
}

/* The next image can no longer say that it could not run its machine. */
static int64_t exec_program(struct kr_thread *thread, const struct kr_call *call, struct target *target)
{
	int64_t result;

	if (!kr_worker_can_be(thread->machine)) {
		return -ENOMEM;
	}
	target->reserved = reserve(thread->machine);
	if (target->reserved < 0) {
		return target->reserved;
	}
	result = exec_target(thread, call, target);
	kr_worker_release(target->reserved);
	return result;
}

/* The next image finds the program by a descriptor of its own.  `file` is closed. */
static int64_t exec_held(struct kr_thread *thread, const struct kr_call *call, int file, const char *name)
{
	char path[32];
	struct target target = { .program = path, .name = name, .is_by_number = true };
	const bool is_named = call->nr == SYS_execve || (int)call->arg[0] == AT_FDCWD;
	struct kr_err err;
	int64_t result;
	int found;

	file = kr_descriptors_hold(thread, file);
	if (file < 0) {
		return file;
	}
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	found = check_program(thread, path, &err);
	if (found < 0) {
		result = -err.code;
	} else if (found == 1 && !is_named && (fcntl((int)call->arg[0], F_GETFD) & FD_CLOEXEC) != 0) {
		/* A script's interpreter could not open what its name says. */
		result = -ENOENT;
	} else {
		keep_on_exec(file, true);
		result = exec_program(thread, call, &target);
	}
	kr_descriptors_close(thread->descriptors, file);
	return result;
}

static int64_t exec_path(struct kr_thread *thread, const struct kr_call *call, const char *path)
{
	struct kr_machine *machine = thread->machine;
	struct target target = { .program = path, .name = path };
	struct kr_err err;
	int running;

	if (path[0] == 0) {
		return -ENOENT;
	}
	running = hold_running(machine, AT_FDCWD, path);
	if (running != -ENOLINK) {
		return running < 0 ? running : exec_held(thread, call, running, path);
	}
	return check_program(thread, path, &err) < 0 ? -err.code : exec_program(thread, call, &target);
}

int64_t kr_call_execve(struct kr_thread *thread, const struct kr_call *call)
{
	char path[PATH_MAX];
	int64_t length = kr_copy_string(path, call->arg[0], sizeof path);

	if (length < 0) {
		return length;
	}
	return thread->machine->image < 0 ? -ENOSYS : exec_path(thread, call, path);
}

/* A program below a directory, or that is open already: without a path of its own. */
static int64_t exec_descriptor(struct kr_thread *thread, const struct kr_call *call, const char *path)
{
	const int directory = (int)call->arg[0];
	const uint64_t no_follow = call->arg[4] & AT_SYMLINK_NOFOLLOW;
	char name[PATH_MAX + 32];
	int file = hold_running(thread->machine, directory, path);

	(void)snprintf(name, sizeof name, "/dev/fd/%d%s%s", directory, path[0] != 0 ? "/" : "", path);
	if (file == -ENOLINK) {
		file = path[0] == 0
			       ? fcntl(directory, F_DUPFD_CLOEXEC, 0)
			       : openat(directory, path, O_PATH | O_CLOEXEC | (no_follow != 0 ? O_NOFOLLOW : 0));
		file = file < 0 ? -errno : file;
	}
	return file < 0 ? file : exec_held(thread, call, file, name);
}

int64_t kr_call_execveat(struct kr_thread *thread, const struct kr_call *call)
{
	int flags = (int)call->arg[4];
	struct stat named;
	char path[PATH_MAX];
	int64_t result = kr_copy_string(path, call->arg[1], sizeof path);

	if (result < 0) {
		return result;
	}
	if (path[0] == 0 && (flags & AT_EMPTY_PATH) == 0) {
		return -ENOENT;
	}
	if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) {
		return -EINVAL;
	}
	if (path[0] == 0 && (int)call->arg[0] == AT_FDCWD) {
		return -EACCES;
	}
	if (thread->machine->image < 0) {
		return -ENOSYS;
	}
	if (path[0] != '/' && (int)call->arg[0] != AT_FDCWD) {
		return exec_descriptor(thread, call, path);
	}
	if ((flags & AT_SYMLINK_NOFOLLOW) != 0 && lstat(path, &named) == 0 && S_ISLNK(named.st_mode)) {
		return -ELOOP;
	}
	return exec_path(thread, call, path);
}
