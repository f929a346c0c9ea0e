/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <kr/ops.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "base/msg.h"
#include "base/path.h"
#include "ffi/kr_bpf.h"
#include "ffi/kr_device.h"
#include "ffi/kr_spawn.h"

/* libseccomp's actions that carry a number are macros with an argument, which a cdef cannot name. */
#define KR_ACT_ERRNO SCMP_ACT_ERRNO(0)
#define KR_ACT_TRACE SCMP_ACT_TRACE(0)
