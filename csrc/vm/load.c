/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load.h"

#include "../base/fd.h"
#include "calls.h"
#include "elf.h"
#include "guard.h"
#include "layout.h"
#include "memory.h"
#include "running.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIE_BASE 0x155555400000ull /* two thirds of the arena, as Linux places them */

/* An open file and what its beginning says. */
struct program {
	int fd;
	uint64_t size;
	size_t head_size;
	uint8_t head[KR_SCRIPT_LINE];
};

static void close_program(struct program *program)
{
	kr_close_fd(&program->fd);
}

#define own_program __attribute__((cleanup(close_program)))

/* The words by which clients tell "not found" from "not allowed". */
static const char *reason(int code)
{
	switch (code) {
	case ENOENT:
		return "no such file or directory";
	case EACCES:
		return "permission denied";
	case ENOMEM:
		return "out of memory (RLIMIT_AS or RLIMIT_DATA may not allow it)";
	case ENOTDIR:
		return "not a directory";
	default:
		return kr_errno_name(code);
	}
}

static int fail_to_open(const char *path, int code, struct kr_err *err)
{
	return kr_fail(err, code, "%s cannot be opened: %s", path, reason(code));
}

/* Look at what is held, which gives no access to it, and open that when it may be executed: nothing that may not,
 * like the memory of a process, ever stands at a number that another thread of the guest could name. */
static int open_held(struct kr_thread *thread, int held, const char *path, struct program *program,
		     struct kr_err *err)
{
	const int proc = thread->machine->proc;
	char link[KR_DESCRIPTOR_LINK];
	struct stat info;

	if (fstat(held, &info) != 0) {
		return kr_fail(err, errno, "%s cannot be examined", path);
	}
	if (S_ISDIR(info.st_mode)) {
		return kr_fail(err, EACCES, "%s is a directory, not a program", path);
	}
	if (S_ISLNK(info.st_mode)) {
		return kr_fail(err, ELOOP, "%s is a link that is not to be followed", path);
	}
	if (!S_ISREG(info.st_mode)) {
		return kr_fail(err, EACCES, "%s is not a regular file", path);
	}
	if (faccessat(held, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) != 0) {
		int code = errno;

		return kr_fail(err, code, "%s is not executable: %s", path, reason(code));
	}
	kr_write_descriptor_link(proc, held, link);
	program->fd = openat(proc, link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (program->fd < 0 && errno == ENOENT && proc < 0) {
		/* There is no procfs that shows this process. */
		program->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	program->size = (uint64_t)info.st_size;
	return program->fd >= 0 ? 0 : fail_to_open(path, errno, err);
}

static int open_program(struct kr_thread *thread, const char *path, struct program *program, struct kr_err *err)
{
	int held = open(path, O_PATH | O_CLOEXEC);
	ssize_t got;
	int result;

	if (held < 0) {
		return fail_to_open(path, errno, err);
	}
	held = kr_descriptors_hold(thread, held);
	if (held < 0) {
		return fail_to_open(path, -held, err);
	}
	result = open_held(thread, held, path, program, err);
	kr_descriptors_close(thread->descriptors, held);
	if (result < 0) {
		return result;
	}
	got = pread(program->fd, program->head, sizeof program->head, 0);
	if (got < 0) {
		return kr_fail(err, errno, "%s cannot be read", path);
	}
	program->head_size = (size_t)got;
	return 0;
}

static bool is_script(const struct program *program)
{
	return program->head_size >= 2 && program->head[0] == '#' && program->head[1] == '!';
}

/* Open `path`; while it is a script, its interpreter instead.  The words of the line go in front of the
 * arguments: interpreter, its argument, the script's name. */
static int follow_scripts(struct kr_thread *thread, const char *path, const char *name, struct program *program,
			  struct kr_image *image, struct kr_err *err)
{
	const char *script = path;

	if (open_program(thread, path, program, err) < 0) {
		return -1;
	}
	for (unsigned depth = 0; is_script(program); depth++) {
		char *line = image->lines[depth];
		const char *interpreter = line;
		const char *argument = NULL;
		unsigned words;

		if (depth == KR_SCRIPT_DEPTH) {
			return kr_fail(err, ELOOP, "%s is a script of more than %d scripts", path, KR_SCRIPT_DEPTH);
		}
		memcpy(line, program->head, program->head_size);
		line[program->head_size < KR_SCRIPT_LINE ? program->head_size : KR_SCRIPT_LINE - 1] = 0;
		if (kr_script_split(line, script, &interpreter, &argument, err) < 0) {
			return -1;
		}
		/* What stood first was the path of this script, as the arguments name it. */
		words = argument != NULL ? 2 : 1;
		memmove(&image->script_arg[words], &image->script_arg[0], image->script_args * sizeof(char *));
		image->script_arg[0] = interpreter;
		if (argument != NULL) {
			image->script_arg[1] = argument;
		}
		image->script_args += words;
		if (depth == 0) {
			image->script_arg[image->script_args++] = name;
		}
		close_program(program);
		if (open_program(thread, interpreter, program, err) < 0) {
			struct kr_err inner = *err;

			return kr_fail(err, inner.code, "%s is a script, and its interpreter %.200s", script,
				       inner.text);
		}
		script = interpreter;
	}
	return 0;
}

static int read_elf(const struct program *program, const char *path, struct kr_elf *elf, struct kr_err *err)
{
	struct kr_err inner;
	uint8_t table[KR_ELF_TABLE_BYTES];

	if (kr_elf_read_header(elf, program->head, program->head_size, program->size, &inner) < 0) {
		return kr_fail(err, inner.code, "%s %.200s", path, inner.text);
	}
	if (pread(program->fd, table, elf->table_bytes, (off_t)elf->table_offset) != (ssize_t)elf->table_bytes) {
		return kr_fail(err, ENOEXEC, "%s is a truncated ELF file (its program headers cannot be read)",
			       path);
	}
	if (kr_elf_read_segments(elf, table, program->size, &inner) < 0) {
		return kr_fail(err, inner.code, "%s %.200s", path, inner.text);
	}
	return 0;
}

static int open_interpreter(struct kr_thread *thread, const struct program *program, const struct kr_elf *elf,
			    const char *path, struct program *interpreter, struct kr_elf *interpreter_elf,
			    struct kr_err *err)
{
	char name[PATH_MAX + 1];
	struct kr_err inner;

	if (elf->interpreter_bytes > sizeof name ||
	    pread(program->fd, name, elf->interpreter_bytes, (off_t)elf->interpreter_offset) !=
		    (ssize_t)elf->interpreter_bytes ||
	    name[elf->interpreter_bytes - 1] != 0) {
		return kr_fail(err, ENOEXEC, "%s has a damaged name of its interpreter", path);
	}
	if (open_program(thread, name, interpreter, &inner) < 0) {
		return kr_fail(err, inner.code, "%s is a dynamic program, and its interpreter %.200s", path,
			       inner.text);
	}
	if (read_elf(interpreter, name, interpreter_elf, &inner) < 0) {
		return kr_fail(err, ELIBBAD, "%s is a dynamic program, and its interpreter %.200s", path,
			       inner.text);
	}
	return 0;
}

int kr_load_check(struct kr_thread *thread, const char *path, struct kr_err *err)
{
	own_program struct program program = { .fd = -1 };
	own_program struct program interpreter = { .fd = -1 };
	struct kr_image image = { .script_args = 0 };
	struct kr_elf elf = { .segments = 0 };
	struct kr_elf interpreter_elf = { .segments = 0 };

	if (follow_scripts(thread, path, path, &program, &image, err) < 0 ||
	    read_elf(&program, path, &elf, err) < 0) {
		return -1;
	}
	if (elf.has_interpreter &&
	    open_interpreter(thread, &program, &elf, path, &interpreter, &interpreter_elf, err) < 0) {
		return -1;
	}
	return image.script_args > 0 ? 1 : 0;
}

/* One segment: the file's part, and zeros for the rest. */
static int map_segment(struct kr_machine *machine, int fd, const struct kr_elf_segment *segment, uint64_t bias)
{
	uint64_t start = kr_align_down(segment->address, KR_PAGE) + bias;
	uint64_t file_end = segment->address + segment->file_size + bias;
	uint64_t mapped_end = segment->file_size > 0 ? kr_align_up(file_end, KR_PAGE) : start;
	uint64_t end = kr_align_up(segment->address + segment->memory_size + bias, KR_PAGE);
	int result = 0;

	if (segment->file_size > 0) {
		result = kr_memory_map(machine, start, mapped_end - start, segment->prot,
				       MAP_PRIVATE | MAP_DENYWRITE, fd,
				       (int64_t)kr_align_down(segment->offset, KR_PAGE));
	}
	if (result == 0 && end > mapped_end) {
		result = kr_memory_map(machine, mapped_end, end - mapped_end, segment->prot,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (result == 0 && segment->memory_size > segment->file_size && (segment->prot & PROT_WRITE) != 0 &&
	    file_end < mapped_end) {
		const uint8_t zeros[KR_PAGE] = { 0 };

		result = kr_copy_to_guest(file_end, zeros, mapped_end - file_end);
	}
	return result;
}

static int map_elf(struct kr_machine *machine, int fd, const char *path, const struct kr_elf *elf, uint64_t bias,
		   struct kr_err *err)
{
	unsigned long long start = elf->low + bias;

	if (!kr_arena_holds(start, elf->high - elf->low) ||
	    kr_arena_touches(&machine->arena, start, elf->high + bias)) {
		return kr_fail(err, ENOEXEC, "%s wants to be loaded at %#llx, where there is no room for it", path,
			       start);
	}
	for (uint32_t i = 0; i < elf->segments; i++) {
		int result = map_segment(machine, fd, &elf->segment[i], bias);

		if (result < 0) {
			start = elf->segment[i].address + bias;
			return kr_fail(err, -result, "%s cannot be mapped at %#llx: %s", path, start,
				       reason(-result));
		}
	}
	return 0;
}

static uint64_t choose_bias(const struct kr_machine *machine, const struct kr_elf *elf, bool is_interpreter)
{
	uint64_t span = elf->high - elf->low;

	if (elf->is_fixed) {
		return 0;
	}
	if (is_interpreter) {
		return kr_arena_find_free(&machine->arena, span, machine->arena.mmap_top, elf->align) - elf->low;
	}
	return kr_align_down(PIE_BASE + machine->arena.slide, elf->align) - kr_align_down(elf->low, elf->align);
}

static int load_interpreter(struct kr_machine *machine, const struct program *program, const struct kr_elf *elf,
			    const char *path, struct kr_image *image, struct kr_err *err)
{
	own_program struct program interpreter = { .fd = -1 };
	struct kr_elf interpreter_elf = { .segments = 0 };
	uint64_t bias;

	if (open_interpreter(kr_thread_current(), program, elf, path, &interpreter, &interpreter_elf, err) < 0) {
		return -1;
	}
	bias = choose_bias(machine, &interpreter_elf, true);
	if (map_elf(machine, interpreter.fd, "the interpreter", &interpreter_elf, bias, err) < 0) {
		return -1;
	}
	image->interpreter_base = interpreter_elf.low + bias;
	image->entry = interpreter_elf.entry + bias;
	return 0;
}

/* The program is what the kernel calls the open file: links in `path` are followed, as $ORIGIN relies on.  Without
 * a procfs that shows this process, an absolute path has to do. */
static int set_program_path(struct kr_machine *machine, const struct program *program, const char *path,
			    struct kr_err *err)
{
	char link[KR_DESCRIPTOR_LINK];
	ssize_t size;
	int proc = machine->proc;

	kr_write_descriptor_link(proc, program->fd, link);
	size = readlinkat(proc >= 0 ? proc : AT_FDCWD, link, machine->program, KR_PROGRAM_PATH);
	if (size < 0 && path[0] == '/') {
		size = (ssize_t)strnlen(path, KR_PROGRAM_PATH);
		if (size < KR_PROGRAM_PATH) {
			memcpy(machine->program, path, (size_t)size);
		}
	}
	if (size < 0 || size >= KR_PROGRAM_PATH) {
		return kr_fail(err, ENAMETOOLONG, "%s: the path cannot be made absolute", path);
	}
	machine->program[size] = 0;
	return 0;
}

int kr_load(struct kr_machine *machine, const char *path, const char *name, struct kr_image *image,
	    struct kr_err *err)
{
	own_program struct program program = { .fd = -1 };
	struct kr_elf elf = { .segments = 0 };
	uint64_t bias;

	if (follow_scripts(kr_thread_current(), path, name, &program, image, err) < 0) {
		return -1;
	}
	if (image->script_args > 0) {
		path = image->script_arg[0];
	}
	if (read_elf(&program, path, &elf, err) < 0 || set_program_path(machine, &program, path, err) < 0) {
		return -1;
	}
	bias = choose_bias(machine, &elf, false);
	if (map_elf(machine, program.fd, path, &elf, bias, err) < 0) {
		return -1;
	}
	machine->arena.brk_start = elf.high + bias;
	machine->arena.brk = elf.high + bias;
	image->entry = elf.entry + bias;
	image->program_entry = elf.entry + bias;
	image->table_address = elf.table_address != 0 ? elf.table_address + bias : 0;
	image->table_count = elf.table_count;
	image->code_start = elf.code_start + bias;
	image->code_end = elf.code_end + bias;
	image->data_start = elf.data_start + bias;
	image->data_end = elf.data_end + bias;
	machine->arena.code_start = image->code_start;
	machine->arena.code_end = image->code_end;
	image->executable_stack = elf.executable_stack;
	if (elf.has_interpreter && load_interpreter(machine, &program, &elf, path, image, err) < 0) {
		return -1;
	}
	return kr_running_keep(machine, kr_steal_fd(&program.fd), err);
}
