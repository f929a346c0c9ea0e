/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int kr_program_map(int fd, struct kr_program *program, struct kr_err *err)
{
	struct stat status;
	void *data;

	if (fstat(fd, &status) != 0) {
		return kr_fail(err, errno, "read the program");
	}
	if (!S_ISREG(status.st_mode) || status.st_size == 0) {
		return kr_fail(err, EBADMSG, "read the program: not a file with a content");
	}
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		return kr_fail(err, errno, "map the program");
	}
	*program = (struct kr_program){ .data = data, .size = (size_t)status.st_size };
	return 0;
}

int kr_program_check_header(struct kr_program *program, struct kr_err *err)
{
	struct kr_reader r = kr_reader(program->data, program->size);
	struct kr_reader magic = kr_read_part(&r, sizeof KR_PROGRAM_MAGIC - 1);
	uint32_t version = kr_read_u32(&r);
	uint32_t size = kr_read_u32(&r);

	program->count = kr_read_u32(&r);
	for (size_t i = 0; i < KR_FD_COUNT; i++) {
		program->fd[i] = (int32_t)kr_read_u32(&r);
	}
	if (r.failed) {
		return kr_fail(err, EBADMSG, "the program ends within its header");
	}
	if (memcmp(magic.at, KR_PROGRAM_MAGIC, sizeof KR_PROGRAM_MAGIC - 1) != 0) {
		return kr_fail(err, EBADMSG, "not a program of krun-init");
	}
	if (version != KR_PROGRAM_VERSION) {
		return kr_fail(err, EBADMSG, "program of version %u, expected %u", version, KR_PROGRAM_VERSION);
	}
	if (size != program->size) {
		return kr_fail(err, EBADMSG, "program of %zu bytes, its header says %u", program->size, size);
	}
	for (size_t i = 0; i < KR_FD_COUNT; i++) {
		if (program->fd[i] != -1 && program->fd[i] < 3) {
			return kr_fail(err, EBADMSG, "descriptor %zu of the header is %d", i, program->fd[i]);
		}
	}
	program->ops = r;
	return 0;
}

static const struct kr_op_info *find_op(uint16_t code)
{
	for (const struct kr_op_info *info = kr_op_table; info->name != NULL; info++) {
		if (info->code == code) {
			return info;
		}
	}
	return NULL;
}

/* Read past one record's operands; count the slots that its lists need as vectors. */
static bool check_operands(struct kr_reader operands, const char *signature, size_t *slots)
{
	*slots = 0;
	for (const char *letter = signature; *letter != 0; letter++) {
		switch (*letter) {
		case 'u':
		case 'i':
			(void)kr_read_u64(&operands);
			break;
		case 's':
			(void)kr_read_string(&operands);
			break;
		case 'b':
			(void)kr_read_bytes(&operands);
			break;
		default: /* 'S' */
			*slots += (size_t)kr_read_strings(&operands).count + 1;
			break;
		}
	}
	return !operands.failed && operands.at == operands.end;
}

/* The header of a record; *code is 0 when there is none. */
static struct kr_reader read_record(struct kr_reader *r, uint16_t *code)
{
	uint16_t zero;
	uint32_t size;

	*code = kr_read_u16(r);
	zero = kr_read_u16(r);
	size = kr_read_u32(r);
	if (zero != 0) {
		r->failed = true;
	}
	return kr_read_part(r, size);
}

int kr_program_check_ops(struct kr_program *program, uint32_t *op, struct kr_err *err)
{
	struct kr_reader r = program->ops;
	size_t most = 0;

	for (*op = 0; *op < program->count; ++*op) {
		uint16_t code;
		struct kr_reader operands = read_record(&r, &code);
		const struct kr_op_info *info = find_op(code);
		size_t slots;

		if (r.failed) {
			return kr_fail(err, EBADMSG, "the program ends within this operation");
		}
		if (info == NULL) {
			return kr_fail(err, EBADMSG, "no operation has the code %u", code);
		}
		if (!check_operands(operands, info->signature, &slots)) {
			return kr_fail(err, EBADMSG, "the operands of %s are not \"%s\"", info->name,
				       info->signature);
		}
		most = slots > most ? slots : most;
	}
	if (r.at != r.end) {
		return kr_fail(err, EBADMSG, "%td bytes follow the last operation", r.end - r.at);
	}
	if (most > 0) {
		most++; /* the entry that LISTEN_PID adds to an environment */
		program->pointers = mmap(NULL, most * sizeof(char *), PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (program->pointers == MAP_FAILED) {
			program->pointers = NULL;
			return kr_fail(err, errno, "make room for %zu arguments", most);
		}
	}
	program->pointer_count = most;
	return 0;
}

const struct kr_op_info *kr_program_next(struct kr_reader *ops, struct kr_reader *operands)
{
	uint16_t code;

	if (ops->at == ops->end) {
		return NULL;
	}
	*operands = read_record(ops, &code);
	return find_op(code);
}

bool kr_program_has(const struct kr_program *program, uint16_t code)
{
	struct kr_reader ops = program->ops;
	struct kr_reader operands;
	const struct kr_op_info *info;

	while ((info = kr_program_next(&ops, &operands)) != NULL) {
		if (info->code == code) {
			return true;
		}
	}
	return false;
}

char **kr_program_vector(struct kr_program *program, struct kr_strings list, size_t *used)
{
	char **vector = program->pointers + *used;
	const char *string;

	while ((string = kr_next_string(&list)) != NULL) {
		program->pointers[(*used)++] = (char *)(uintptr_t)string; /* exec does not write to it */
	}
	program->pointers[(*used)++] = NULL;
	return vector;
}
