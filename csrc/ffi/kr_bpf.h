/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bpf(2), as far as device filters of cgroup v2 need it, for Python.
 *
 * Each function returns 0, a descriptor (close-on-exec, the caller's) or a count, or -errno.
 */
#ifndef KR_BPF_H
#define KR_BPF_H

#include <stddef.h>
#include <stdint.h>

/* Load `size` bytes of `struct bpf_insn` as a program of type BPF_PROG_TYPE_CGROUP_DEVICE.  Returns its
 * descriptor. */
int kr_bpf_load_device(const void *code, size_t size);
/* Attach a loaded program to a cgroup beside those that are attached; all of them have to allow an access. */
int kr_bpf_attach_device(int cgroup, int program);
/* Store the ids of at most `room` device programs attached to a cgroup.  Returns how many there are; -ENOSPC
 * when there are more. */
int kr_bpf_query_device(int cgroup, uint32_t *ids, uint32_t room);
/* Detach the device program of that id from a cgroup. */
int kr_bpf_detach_device(int cgroup, uint32_t id);

#endif
