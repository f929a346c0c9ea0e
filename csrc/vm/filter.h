/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Classic BPF programs over struct seccomp_data, one at a time: checked and run as the kernel does.
 */
#ifndef KR_VM_FILTER_H
#define KR_VM_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* Check a program as the kernel does at load: known instructions, jumps forward and in range, loads inside
 * struct seccomp_data, a return at the end.  0, or -EINVAL. */
int kr_filter_check(const struct sock_filter *code, size_t size);

/* Run a program that has passed kr_filter_check. */
uint32_t kr_filter_run(const struct sock_filter *code, const struct seccomp_data *data);

#endif
