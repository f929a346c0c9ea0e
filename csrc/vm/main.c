/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * krun-vm: runs one program in a virtual machine without a guest kernel.
 */
#include "../base/fd.h"
#include "../base/msg.h"
#include "barrier.h"
#include "hypercall.h"
#include "launch.h"
#include "options.h"
#include "own_stack.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_ERROR     1 /* reported to create, or a wrong command line */
#define STATUS_NO_KVM    125
#define STATUS_UNUSABLE  126
#define STATUS_NOT_FOUND 127

#define HELP \
	"usage: krun-vm [--kvm FD] PROGRAM [ARG...]\n" \
	"       krun-vm --boot FD\n" \
	"       krun-vm --list-hypercalls | --version | --help\n" \
	"Runs PROGRAM, a static or dynamic Linux x86-64 program, in a virtual machine.\n"

static int print_hypercalls(void)
{
	for (size_t i = 0; i < kr_call_table_size; i++) {
		(void)printf("%u %s\n", (unsigned)kr_call_table[i].nr, kr_call_table[i].name);
	}
	return fflush(stdout) == 0 ? 0 : STATUS_ERROR;
}

/* By hand: the same record that krun-init would have made. */
static int make_record(char **argv, const struct kr_options *options, int kvm, struct kr_boot_writer *writer,
		       struct kr_err *err)
{
	const struct kr_boot head = { .sync = -1,
				      .fifo = -1,
				      .started = -1,
				      .proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
				      .kvm = kvm,
				      .image = open("/proc/self/exe", O_PATH | O_CLOEXEC) };
	uint32_t count = 0;
	size_t list;
	int failed;

	kr_boot_begin(writer, &head);
	kr_boot_put_string(writer, argv[options->first]);
	list = kr_boot_begin_list(writer);
	for (char **arg = argv + options->first; *arg != NULL; arg++) {
		kr_boot_put_string(writer, *arg);
		count++;
	}
	kr_boot_end_list(writer, list, count);
	list = kr_boot_begin_list(writer);
	count = 0;
	for (char **variable = environ; *variable != NULL; variable++) {
		kr_boot_put_string(writer, *variable);
		count++;
	}
	kr_boot_end_list(writer, list, count);
	(void)kr_boot_put_bytes(writer, 0); /* no filter */
	(void)kr_boot_put_bytes(writer, 0); /* no limits but the caller's */
	failed = kr_boot_finish(writer);
	return failed == 0 ? 0 : kr_fail(err, -failed, "the command line cannot be taken over");
}

static int map_record(int fd, const void **data, size_t *size, struct kr_err *err)
{
	struct stat info;
	void *mapped;

	if (fstat(fd, &info) != 0) {
		return kr_fail(err, errno, "examine the boot record");
	}
	if (info.st_size <= 0 || (uint64_t)info.st_size > KR_BOOT_MAX) {
		return kr_fail(err, EPROTO, "the boot record has %lld bytes", (long long)info.st_size);
	}
	/* Private, and read in full by its parser only once: its writer holds no descriptor of it any more. */
	mapped = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED) {
		return kr_fail(err, errno, "map the boot record");
	}
	*data = mapped;
	*size = (size_t)info.st_size;
	(void)close(fd);
	return 0;
}

/* One line for whoever waits: create over its socket, else a person on stderr; `start` has had it already. */
static int report(const struct kr_boot *boot, const struct kr_err *err)
{
	char line[KR_ERR_LINE];
	struct kr_err ignored;

	if (boot->is_told) {
		return STATUS_ERROR;
	}
	if (boot->sync >= 0) {
		kr_err_write(err, line);
		(void)kr_msg_send(boot->sync, KR_MSG_ERROR, KR_MSG_NO_OP, line, &ignored);
		return STATUS_ERROR;
	}
	(void)fprintf(stderr, "krun-vm: %s\n", err->text);
	return err->code == ENOENT ? STATUS_NOT_FOUND : STATUS_UNUSABLE;
}

static int read_record(const void *data, size_t size, struct kr_boot *boot, struct kr_err *err)
{
	if (kr_boot_parse(data, size, boot, err) < 0) {
		return -1;
	}
	if ((boot->flags & KR_BOOT_BARRIER) != 0) {
		return kr_barrier_take(boot, err);
	}
	kr_barrier_show(boot);
	return 0;
}

static int launch(const void *data, size_t size, struct kr_boot *boot)
{
	struct kr_machine machine = { .vm = -1 };
	struct kr_thread thread;
	struct kr_err err = { .code = 0 };

	if (read_record(data, size, boot, &err) < 0 || kr_launch(boot, &machine, &thread, &err) < 0) {
		return report(boot, &err);
	}
	(void)munmap((void *)(uintptr_t)data, size);
	kr_run(&thread);
	/* Never reached: the main thread's host thread ends where the guest's does. */
	return STATUS_ERROR;
}

static int run_record(int fd)
{
	/* First of all: an image that is executed is in reach again. */
	struct kr_boot boot = { .sync = -1, .is_hidden = kr_barrier_hide() };
	struct kr_err err = { .code = 0 };
	const void *data = NULL;
	size_t size = 0;

	if (map_record(fd, &data, &size, &err) < 0) {
		return report(&boot, &err);
	}
	return launch(data, size, &boot);
}

/* The words stand one behind the other, as the kernel lays them down; together they are the record. */
static int run_words(char **argv, const struct kr_options *options)
{
	struct kr_boot boot = { .sync = -1 };
	struct kr_err err = { .code = 0 };
	const char *first = argv[options->first];
	const char *end = first;
	void *copy;

	for (char **word = argv + options->first; *word != NULL && *word == end; word++) {
		end += strlen(end) + 1;
	}
	copy = mmap(NULL, (size_t)(end - first), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED) {
		(void)kr_fail(&err, errno, "map the boot record");
		return report(&boot, &err);
	}
	memcpy(copy, first, (size_t)(end - first));
	return launch(copy, (size_t)(end - first) - 1, &boot);
}

static int run_program(char **argv, const struct kr_options *options)
{
	struct kr_boot boot = { .sync = -1 };
	struct kr_err err = { .code = 0 };
	struct kr_boot_writer writer;
	int kvm = options->kvm >= 0 ? options->kvm : open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0) {
		(void)fprintf(stderr, "krun-vm: no KVM: /dev/kvm cannot be opened (%s)\n", kr_errno_name(errno));
		return STATUS_NO_KVM;
	}
	if (make_record(argv, options, kvm, &writer, &err) < 0) {
		return report(&boot, &err);
	}
	return launch(writer.data, writer.size, &boot);
}

static int run(int argc, char **argv)
{
	struct kr_options options;
	struct kr_err err;

	if (kr_options_parse(argc, argv, &options, &err) < 0) {
		(void)fprintf(stderr, "krun-vm: %s\n%s", err.text, HELP);
		return STATUS_ERROR;
	}
	switch (options.mode) {
	case KR_MODE_PROGRAM:
		return run_program(argv, &options);
	case KR_MODE_BOOT:
		return run_record(options.boot);
	case KR_MODE_RECORD:
		return run_words(argv, &options);
	case KR_MODE_LIST:
		return print_hypercalls();
	case KR_MODE_VERSION:
		return puts("krun-vm " KR_VERSION) >= 0 ? 0 : STATUS_ERROR;
	case KR_MODE_HELP:
		return fputs(HELP, stdout) >= 0 ? 0 : STATUS_ERROR;
	}
	return STATUS_ERROR;
}

int main(int argc, char **argv)
{
	return kr_on_enough_stack(run, argc, argv);
}
