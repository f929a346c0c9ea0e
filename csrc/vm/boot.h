/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The boot record: what the monitor is to run and with what.  specs/monitor.md has its layout.  Reading it is
 * pure and bounds-checked; writing it serves the command line and the guest's exec.
 */
#ifndef KR_VM_BOOT_H
#define KR_VM_BOOT_H

#include "../base/err.h"
#include "../base/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KR_BOOT_VERSION      2u
#define KR_BOOT_BARRIER      1u  /* flag: READY and the barrier are ahead */
#define KR_BOOT_CONFINED     2u  /* flag: the image that made the record has confined the process */
#define KR_BOOT_NO_NEW_PRIVS 4u  /* flag: the payload has no_new_privs; the monitor always does */
#define KR_BOOT_BY_NUMBER    8u  /* flag: the program's path ends in the number of a descriptor */
#define KR_BOOT_MODEL        16u /* flag: what the processor can do follows the limits */
#define KR_BOOT_NAME         32u /* flag: the payload is to be known by another name than its path */
#define KR_BOOT_RESERVED     64u /* flag: a child that keeps room for a task is to be awaited */
#define KR_BOOT_MAX          (16u << 20)
#define KR_LIMITS            16u /* resources of getrlimit(2) */
#define KR_LIMIT_BYTES       20u /* in a record: u32 resource, u64 soft, u64 hard */

struct kr_boot {
	uint32_t flags;
	int32_t sync;
	int32_t fifo; /* in a record with KR_BOOT_BARRIER a socket that holds this and `started`, see hidden.h */
	int32_t started;
	int32_t proc;
	int32_t kvm;
	int32_t image;
	const char *program;
	const char *name; /* what the payload is told about its path, and scripts their interpreter */
	struct kr_strings args;
	struct kr_strings env;
	struct kr_bytes filter;
	struct kr_bytes limits;
	struct kr_bytes model;
	int32_t reserved; /* the child's number, 0 for none: see worker.h */
	bool is_hidden;   /* no part of the record, as what follows: see barrier.h */
	bool is_told;     /* `start` has been told what was wrong */
};

/* Read a record; everything points into `data`.  0 or -1. */
int kr_boot_parse(const void *data, size_t size, struct kr_boot *boot, struct kr_err *err);

/* A record in the making.  After the first failure nothing more is written, and kr_boot_finish says so. */
struct kr_boot_writer {
	uint8_t *data;
	size_t capacity;
	size_t size;
	int failed; /* 0 or -errno */
};

/* `head` gives flags and descriptors.  Then: one string, two lists, the filter's bytes, the limits' and, with their
 * flags, the model's, the name and the number that is reserved, in this order. */
void kr_boot_begin(struct kr_boot_writer *writer, const struct kr_boot *head);
void kr_boot_put_string(struct kr_boot_writer *writer, const char *text);
void kr_boot_put_number(struct kr_boot_writer *writer, int32_t number);
/* Begin a list; returns the place of its count, for kr_boot_end_list. */
size_t kr_boot_begin_list(struct kr_boot_writer *writer);
void kr_boot_end_list(struct kr_boot_writer *writer, size_t place, uint32_t count);
/* Begin `size` bytes; where they go, NULL after a failure. */
void *kr_boot_put_bytes(struct kr_boot_writer *writer, size_t size);
/* Ends the record, and puts a zero behind it that is no part of it.  0, or -E2BIG or -ENOMEM. */
int kr_boot_finish(struct kr_boot_writer *writer);
void kr_boot_release(struct kr_boot_writer *writer);

#endif
