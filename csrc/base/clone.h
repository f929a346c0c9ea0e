/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * clone3(2) for a child that shares its parent's memory and has a stack of its own in it.
 */
#ifndef KR_BASE_CLONE_H
#define KR_BASE_CLONE_H

#include <stddef.h>
#include <stdint.h>

struct clone_args;

/* The child calls child(argument), which does not return; the parent gets what the kernel returns. */
int64_t kr_clone(const struct clone_args *args, size_t size, void (*child)(void *), void *argument);

#endif
