/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * System calls and constants of the kernel that a C library may be too old to know: the programs are linked with
 * musl, the native tests with glibc.  Each returns what the call returns, -1 with errno on failure; see its page of
 * the manual.  <linux/mount.h> stands for <sys/mount.h>, which with glibc 2.36 excludes it.
 */
#ifndef KR_KERNEL_H
#define KR_KERNEL_H

#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* mount(2), for changes of propagation alone. */
static inline int kr_sys_propagate(const char *path, uint64_t flags)
{
	return (int)syscall(SYS_mount, NULL, path, NULL, flags, NULL);
}

static inline int kr_sys_umount(const char *path, int flags)
{
	return (int)syscall(SYS_umount2, path, flags);
}

static inline int kr_sys_fsopen(const char *fstype, unsigned flags)
{
	return (int)syscall(SYS_fsopen, fstype, flags);
}

static inline int kr_sys_fsconfig(int context, unsigned command, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

static inline int kr_sys_fsmount(int context, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, context, flags, attributes);
}

static inline int kr_sys_open_tree(int at, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, at, path, flags);
}

static inline int kr_sys_move_mount(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from_at, from, to_at, to, flags);
}

static inline int kr_sys_mount_setattr(int at, const char *path, unsigned flags,
				       const struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, at, path, flags, attributes, sizeof *attributes);
}

static inline int kr_sys_statx(int at, const char *path, unsigned flags, unsigned mask, struct statx *status)
{
	return (int)syscall(SYS_statx, at, path, flags, mask, status);
}

static inline int kr_sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int kr_sys_execveat(int at, const char *path, char *const args[], char *const env[], int flags)
{
	return (int)syscall(SYS_execveat, at, path, args, env, flags);
}

static inline int kr_sys_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

/* musl remembers a thread's number, and a clone that it does not make itself changes it. */
static inline pid_t kr_sys_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* Of the calling process. */
static inline int kr_sys_prlimit(int resource, const struct rlimit *wanted, struct rlimit *before)
{
	return (int)syscall(SYS_prlimit64, 0, resource, wanted, before);
}

#endif
