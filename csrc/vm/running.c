/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "running.h"

#include "../base/fd.h"
#include "../base/listing.h"
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME          "exe"
#define LISTING_BYTES 1024u

int kr_running_keep(struct kr_machine *machine, int program, struct kr_err *err)
{
	if (kr_descriptors_take_above(&machine->descriptors, program, machine->image + 1) < 0) {
		return kr_fail(err, errno, "keep the program's descriptor");
	}
	return 0;
}

/* The directory that holds what `path` names.  A descriptor, or -1. */
static int open_parent(int directory, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash != NULL ? slash + 1 : path;
	char parent[KR_PROGRAM_PATH];
	size_t length = (size_t)(last - path);

	if (strcmp(last, NAME) != 0 || length >= sizeof parent) {
		return -1;
	}
	memcpy(parent, path, length);
	parent[length] = 0;
	return openat(directory, length > 0 ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_link_to(int directory, const char *name, const char *text)
{
	char target[KR_PROGRAM_PATH];
	ssize_t length = readlinkat(directory, name, target, sizeof target - 1);

	if (length < 0) {
		return false;
	}
	target[length] = 0;
	return strcmp(target, text) == 0;
}

/* What the kernel calls an open file. */
static ssize_t read_name(const struct kr_machine *machine, int fd, char name[KR_PROGRAM_PATH])
{
	char link[KR_DESCRIPTOR_LINK];
	ssize_t length;

	kr_write_descriptor_link(machine->proc, fd, link);
	length = readlinkat(machine->proc, link, name, KR_PROGRAM_PATH - 1);
	if (length >= 0) {
		name[length] = 0;
	}
	return length;
}

/* The first file behind the image.  The kernel lists descriptors in the order of their numbers. */
static int find_program(int descriptors, const char *image)
{
	_Alignas(struct kr_listed) char listing[LISTING_BYTES];
	bool is_behind = false;
	struct stat file;
	long size;

	while ((size = syscall(SYS_getdents64, descriptors, listing, sizeof listing)) > 0) {
		for (long at = 0; at < size;) {
			const struct kr_listed *entry = (const void *)(listing + at);

			if (is_link_to(descriptors, entry->name, image)) {
				is_behind = true;
			} else if (is_behind && fstatat(descriptors, entry->name, &file, 0) == 0 &&
				   S_ISREG(file.st_mode)) {
				return openat(descriptors, entry->name, O_PATH | O_CLOEXEC);
			}
			at += entry->size;
		}
	}
	return -1;
}

int kr_running_hold(const struct kr_machine *machine, int directory, const char *path)
{
	kr_own_fd int parent = open_parent(directory, path);
	kr_own_fd int descriptors = -1;
	char image[KR_PROGRAM_PATH];

	if (parent < 0 || !kr_is_on_procfs(parent) || read_name(machine, machine->image, image) < 0 ||
	    !is_link_to(parent, NAME, image)) {
		return -1;
	}
	descriptors = openat(parent, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return descriptors >= 0 ? find_program(descriptors, image) : -1;
}

ssize_t kr_running_name(const struct kr_machine *machine, int directory, const char *path,
			char name[KR_PROGRAM_PATH])
{
	kr_own_fd int program = kr_running_hold(machine, directory, path);

	return program >= 0 ? read_name(machine, program, name) : -1;
}
