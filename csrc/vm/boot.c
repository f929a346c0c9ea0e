/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "boot.h"

#include "grow.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define MAGIC    "KRBT"
#define TOTAL_AT 8u /* of the record's length in it */

int kr_boot_parse(const void *data, size_t size, struct kr_boot *boot, struct kr_err *err)
{
	struct kr_reader r = kr_reader(data, size);
	struct kr_reader magic = kr_read_part(&r, strlen(MAGIC));
	uint32_t version = kr_read_u32(&r);
	uint32_t total = kr_read_u32(&r);

	if (magic.failed || memcmp(magic.at, MAGIC, strlen(MAGIC)) != 0 || version != KR_BOOT_VERSION) {
		return kr_fail(err, EPROTO, "the boot record is not one of version %u", KR_BOOT_VERSION);
	}
	boot->flags = kr_read_u32(&r);
	boot->sync = (int32_t)kr_read_u32(&r);
	boot->fifo = (int32_t)kr_read_u32(&r);
	boot->started = (int32_t)kr_read_u32(&r);
	boot->proc = (int32_t)kr_read_u32(&r);
	boot->kvm = (int32_t)kr_read_u32(&r);
	boot->image = (int32_t)kr_read_u32(&r);
	boot->program = kr_read_string(&r);
	boot->args = kr_read_strings(&r);
	boot->env = kr_read_strings(&r);
	boot->filter = kr_read_bytes(&r);
	boot->limits = kr_read_bytes(&r);
	boot->model = (boot->flags & KR_BOOT_MODEL) != 0 ? kr_read_bytes(&r) : (struct kr_bytes){ .size = 0 };
	boot->name = (boot->flags & KR_BOOT_NAME) != 0 ? kr_read_string(&r) : boot->program;
	boot->reserved = (boot->flags & KR_BOOT_RESERVED) != 0 ? (int32_t)kr_read_u32(&r) : 0;
	if (r.failed || r.at != r.end || total != size || boot->program[0] == 0 || boot->args.count == 0 ||
	    (boot->flags & ~(KR_BOOT_BARRIER | KR_BOOT_CONFINED | KR_BOOT_NO_NEW_PRIVS | KR_BOOT_BY_NUMBER |
			     KR_BOOT_MODEL | KR_BOOT_NAME | KR_BOOT_RESERVED)) != 0) {
		return kr_fail(err, EPROTO, "the boot record is damaged");
	}
	return 0;
}

static void *put(struct kr_boot_writer *writer, size_t size)
{
	void *at;

	if (writer->failed == 0 && size > KR_BOOT_MAX - writer->size) {
		writer->failed = -E2BIG;
	}
	if (writer->failed == 0) {
		writer->failed = kr_grow(KR_ITEMS(writer->data), &writer->capacity, writer->size + size, 1);
	}
	if (writer->failed != 0) {
		return NULL;
	}
	at = writer->data + writer->size;
	writer->size += size;
	return at;
}

static void put_data(struct kr_boot_writer *writer, const void *data, size_t size)
{
	void *at = put(writer, size);

	if (at != NULL) {
		memcpy(at, data, size);
	}
}

static void put_u32(struct kr_boot_writer *writer, uint32_t value)
{
	/* The record is little-endian, as the only machine that this runs on. */
	put_data(writer, &value, sizeof value);
}

void kr_boot_begin(struct kr_boot_writer *writer, const struct kr_boot *head)
{
	*writer = (struct kr_boot_writer){ .data = NULL };
	put_data(writer, MAGIC, strlen(MAGIC));
	put_u32(writer, KR_BOOT_VERSION);
	put_u32(writer, 0);
	put_u32(writer, head->flags);
	put_u32(writer, (uint32_t)head->sync);
	put_u32(writer, (uint32_t)head->fifo);
	put_u32(writer, (uint32_t)head->started);
	put_u32(writer, (uint32_t)head->proc);
	put_u32(writer, (uint32_t)head->kvm);
	put_u32(writer, (uint32_t)head->image);
}

void kr_boot_put_string(struct kr_boot_writer *writer, const char *text)
{
	size_t size = strlen(text);

	if (size > KR_BOOT_MAX) {
		writer->failed = -E2BIG;
		return;
	}
	put_u32(writer, (uint32_t)size);
	put_data(writer, text, size + 1);
}

void kr_boot_put_number(struct kr_boot_writer *writer, int32_t number)
{
	put_u32(writer, (uint32_t)number);
}

size_t kr_boot_begin_list(struct kr_boot_writer *writer)
{
	put_u32(writer, 0);
	return writer->size - sizeof(uint32_t);
}

void kr_boot_end_list(struct kr_boot_writer *writer, size_t place, uint32_t count)
{
	if (writer->failed == 0) {
		memcpy(writer->data + place, &count, sizeof count);
	}
}

void *kr_boot_put_bytes(struct kr_boot_writer *writer, size_t size)
{
	if (size > KR_BOOT_MAX) {
		writer->failed = -E2BIG;
		return NULL;
	}
	put_u32(writer, (uint32_t)size);
	return put(writer, size);
}

int kr_boot_finish(struct kr_boot_writer *writer)
{
	uint32_t total = (uint32_t)writer->size;

	if (put(writer, 1) != NULL) {
		writer->data[--writer->size] = 0;
	}
	if (writer->failed == 0 && writer->data != NULL) {
		memcpy(writer->data + TOTAL_AT, &total, sizeof total);
	}
	return writer->failed;
}

void kr_boot_release(struct kr_boot_writer *writer)
{
	if (writer->data != NULL) {
		(void)munmap(writer->data, writer->capacity);
		writer->data = NULL;
	}
}
