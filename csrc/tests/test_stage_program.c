/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program of krun-init: what is accepted, and what is refused before anything runs.
 */
#include "check.h"
#include "stage/program.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_BYTES (16 + 4 * KR_FD_COUNT)

struct image {
	uint8_t data[512];
	size_t size;
};

static void put(struct image *image, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		image->data[image->size++] = (uint8_t)(value >> (8 * i));
	}
}

static void put_string(struct image *image, const char *text)
{
	put(image, strlen(text), 4);
	memcpy(image->data + image->size, text, strlen(text) + 1);
	image->size += strlen(text) + 1;
}

static void begin(struct image *image)
{
	image->size = 0;
	memcpy(image->data, KR_PROGRAM_MAGIC, 4);
	image->size = 4;
	put(image, KR_PROGRAM_VERSION, 4);
	put(image, 0, 8);
	for (int i = 0; i < KR_FD_COUNT; i++) {
		put(image, i == KR_FD_SYNC ? 7 : (uint32_t)-1, 4);
	}
}

/* Fill in what the header says of the whole. */
static void end(struct image *image, uint32_t count)
{
	size_t size = image->size;

	image->size = 8;
	put(image, size, 4);
	put(image, count, 4);
	image->size = size;
}

/* Map a program; the caller checks it. */
static struct kr_program load(const struct image *image)
{
	struct kr_program program;
	struct kr_err err;
	int fd = memfd_create("program", MFD_CLOEXEC);

	CHECK(write(fd, image->data, image->size) == (ssize_t)image->size);
	CHECK(kr_program_map(fd, &program, &err) == 0);
	(void)close(fd);
	return program;
}

static void a_good_program_is_walked_to_its_end(void)
{
	struct image image;
	struct kr_program program;
	struct kr_reader ops;
	struct kr_reader operands;
	struct kr_err err;
	uint32_t op;

	begin(&image);
	put(&image, KR_OP_NEW_SESSION, 8); /* code, zero, no operands */
	put(&image, KR_OP_HOSTNAME, 4);
	put(&image, 4 + 3, 4);
	put_string(&image, "me");
	end(&image, 2);
	program = load(&image);
	CHECK(kr_program_check_header(&program, &err) == 0);
	CHECK(program.fd[KR_FD_SYNC] == 7 && program.fd[KR_FD_KVM] == -1);
	CHECK(kr_program_check_ops(&program, &op, &err) == 0);
	ops = program.ops;
	CHECK(kr_program_next(&ops, &operands)->code == KR_OP_NEW_SESSION);
	CHECK(kr_program_next(&ops, &operands)->code == KR_OP_HOSTNAME);
	CHECK(strcmp(kr_read_string(&operands), "me") == 0);
	CHECK(kr_program_next(&ops, &operands) == NULL);
	CHECK(kr_program_has(&program, KR_OP_HOSTNAME) && !kr_program_has(&program, KR_OP_MOUNT));
}

static void every_cut_of_a_program_is_refused(void)
{
	struct image image;
	struct kr_err err;
	uint32_t op;

	begin(&image);
	put(&image, KR_OP_HOSTNAME, 4);
	put(&image, 4 + 3, 4);
	put_string(&image, "me");
	end(&image, 1);
	for (size_t size = 1; size < image.size; size++) {
		struct image cut = image;
		struct kr_program program;

		cut.size = size;
		if (size >= HEADER_BYTES) {
			end(&cut, 1);
		}
		program = load(&cut);
		CHECK(kr_program_check_header(&program, &err) != 0 ||
		      kr_program_check_ops(&program, &op, &err) != 0);
		CHECK(err.code == EBADMSG);
	}
}

static void a_descriptor_of_the_standard_streams_is_refused(void)
{
	struct image image;
	struct kr_program program;
	struct kr_err err;

	begin(&image);
	end(&image, 0);
	image.data[16] = 2;
	program = load(&image);
	CHECK(kr_program_check_header(&program, &err) != 0 && err.code == EBADMSG);
}

static void more_operations_than_there_are_is_refused(void)
{
	struct image image;
	struct kr_program program;
	struct kr_err err;
	uint32_t op;

	begin(&image);
	put(&image, KR_OP_NEW_SESSION, 8);
	end(&image, 0xffffffff);
	program = load(&image);
	CHECK(kr_program_check_header(&program, &err) == 0);
	CHECK(kr_program_check_ops(&program, &op, &err) != 0 && op == 1);
}

static void lists_become_vectors_that_share_the_room(void)
{
	struct image image;
	struct kr_program program;
	struct kr_reader ops;
	struct kr_reader operands;
	struct kr_err err;
	uint32_t op;
	size_t used = 0;
	char **args;
	char **env;

	begin(&image);
	put(&image, KR_OP_EXECUTE, 4);
	put(&image, 4 + 2 * 6 + 4 + 8, 4);
	put(&image, 2, 4);
	put_string(&image, "a");
	put_string(&image, "b");
	put(&image, 1, 4);
	put_string(&image, "K=V");
	end(&image, 1);
	program = load(&image);
	CHECK(kr_program_check_header(&program, &err) == 0);
	CHECK(kr_program_check_ops(&program, &op, &err) == 0);
	CHECK(program.pointer_count == 6); /* one is for what LISTEN_PID adds */
	ops = program.ops;
	CHECK(kr_program_next(&ops, &operands) != NULL);
	args = kr_program_vector(&program, kr_read_strings(&operands), &used);
	env = kr_program_vector(&program, kr_read_strings(&operands), &used);
	CHECK(used + 1 == program.pointer_count);
	CHECK(strcmp(args[0], "a") == 0 && strcmp(args[1], "b") == 0 && args[2] == NULL);
	CHECK(strcmp(env[0], "K=V") == 0 && env[1] == NULL);
}

static void what_is_no_file_is_refused(void)
{
	struct kr_program program;
	struct kr_err err;
	int ends[2];
	int empty = memfd_create("empty", MFD_CLOEXEC);

	CHECK(pipe(ends) == 0);
	CHECK(kr_program_map(ends[0], &program, &err) != 0 && err.code == EBADMSG);
	CHECK(kr_program_map(empty, &program, &err) != 0 && err.code == EBADMSG);
	CHECK(kr_program_map(-1, &program, &err) != 0 && err.code == EBADF);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(empty);
}

int main(void)
{
	a_good_program_is_walked_to_its_end();
	every_cut_of_a_program_is_refused();
	a_descriptor_of_the_standard_streams_is_refused();
	more_operations_than_there_are_is_refused();
	lists_become_vectors_that_share_the_room();
	what_is_no_file_is_refused();
	return 0;
}
