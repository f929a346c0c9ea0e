/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The operations of krun-init: op codes and operand layout.  This is their single definition: the stage
 * dispatches on it, and Python reads it through the cffi module (kr_op_table) to encode a plan.
 *
 * A program is a flat, little-endian byte string:
 *
 *   header   "KRPL"  u32 version  u32 total bytes  u32 number of operations  i32 descriptors[KR_FD_COUNT]
 *   op       u16 code  u16 zero  u32 bytes of operands   operands…
 *
 * and each operand is laid out by its letter in the signature:
 *
 *   u  u64                      i  i64 (two's complement, 8 bytes)
 *   s  string: u32 length, that many bytes without NUL, then one NUL that the length does not count
 *   b  bytes: u32 length, that many bytes
 *   S  list of strings: u32 count, then each string
 *
 * Nothing is aligned.  Operations run in the order in which they stand.  Those before SPAWN_INIT run in
 * the stage, a process outside the container's pid namespace; those after it run in the container's init.
 * Paths called "destination" or "path" are resolved inside the container's root with
 * openat2(RESOLVE_IN_ROOT); those called "source" are the host's.  RLIMIT takes effect with EXECUTE, or in the
 * monitor.
 */
#ifndef KR_OPS_H
#define KR_OPS_H

#include <stdint.h>

#define KR_PROGRAM_MAGIC   "KRPL"
#define KR_PROGRAM_VERSION 1u

/* Descriptors that the runtime hands to the stage; the header says which number each has, -1 for none.
 * Descriptors 0 to 2 and the preserved ones are the payload's and stand at their own numbers. */
enum kr_fd_role {
	KR_FD_SYNC = 0,     /* SOCK_SEQPACKET to the runtime, see base/msg.h                               */
	KR_FD_FIFO = 1,     /* O_PATH of exec.fifo                                                         */
	KR_FD_STARTED = 2,  /* `started`, O_WRONLY: one byte is written when the payload is released       */
	KR_FD_CONSOLE = 3,  /* connected console socket                                                    */
	KR_FD_MONITOR = 4,  /* sealed memfd with the monitor's image                                       */
	KR_FD_KVM = 5,      /* /dev/kvm                                                                    */
	KR_FD_LISTENER = 6, /* connected to whom the seccomp listener is sent                            */
	KR_FD_COUNT = 7
};

/*    code  name                  signature      operands                                                      */
/* clang-format off */
#define KR_OPS(X)                                                                                                \
	/* -- stage: namespaces -- */                                                                            \
	X(1,  OPEN_NAMESPACE,       "us",      "type path")                                                      \
	X(2,  JOIN_NAMESPACE,       "u",       "type")                                                           \
	X(3,  UNSHARE,              "u",       "flags")                                                          \
	X(4,  TIME_OFFSETS,         "s",       "text")                                                           \
	X(5,  MAP_IDS,              "",        "")                                                               \
	X(6,  BECOME_ROOT,          "",        "")                                                               \
	X(7,  SPAWN_INIT,           "",        "")                                                               \
	X(8,  OPEN_IDMAPPED,        "suuusss", "source recursive map_recursive propagation uid_map gid_map namespace") \
	/* -- init: session, root file system and mounts -- */                                                   \
	X(10, NEW_SESSION,          "",        "")                                                               \
	X(11, SESSION_KEYRING,      "s",       "name")                                                           \
	X(12, OPEN_PROC,            "",        "")                                                               \
	X(13, HOST_PROPAGATION,     "u",       "flags")                                                          \
	X(14, OPEN_ROOT,            "s",       "source")                                                         \
	X(15, RUN_HOOKS,            "s",       "point")                                                          \
	X(16, HOOK,                 "susSSussbu", "point index path args env timeout_ms state_head state_tail filter monitor") \
	X(17, MOUNT,                "ssSsuuuu", "fstype source parameters destination attr_set attr_clear propagation copy") \
	X(18, BIND,                 "ssuuuuu", "source destination recursive attr_set attr_clear attr_recursive propagation") \
	X(19, SET_MOUNT,            "suuuu",   "destination recursive attr_set attr_clear propagation")          \
	X(20, MAKE_DIRECTORY,       "su",      "path mode")                                                      \
	X(21, MAKE_SYMLINK,         "ss",      "target path")                                                    \
	X(22, MAKE_DEVICE,          "suuuuuu", "path kind major minor mode uid gid")                             \
	X(23, BIND_DEVICE,          "ss",      "source path")                                                    \
	X(24, TERMINAL,             "uuu",     "rows columns console")                                           \
	X(25, PIVOT_ROOT,           "",        "")                                                               \
	X(26, MOVE_ROOT,            "",        "")                                                               \
	X(27, ROOT_PROPAGATION,     "u",       "flags")                                                          \
	X(28, ROOT_READONLY,        "",        "")                                                               \
	X(29, MASK_PATH,            "s",       "path")                                                           \
	X(30, READONLY_PATH,        "s",       "path")                                                           \
	X(31, JOIN_ROOT,            "",        "")                                                               \
	X(32, BIND_IDMAPPED,        "ussuuuu", "index source destination attr_set attr_clear attr_recursive propagation") \
	X(33, OPEN_SHARED_ROOT,     "s",       "source")                                                         \
	X(34, CHANGE_ROOT,          "",        "")                                                               \
	/* -- init: the namespaces' own settings -- */                                                           \
	X(40, HOSTNAME,             "s",       "name")                                                           \
	X(41, DOMAINNAME,           "s",       "name")                                                           \
	X(42, SYSCTL,               "ss",      "name value")                                                     \
	X(43, LOOPBACK_UP,          "",        "")                                                               \
	/* -- init: the process -- */                                                                            \
	X(50, OOM_SCORE_ADJ,        "i",       "value")                                                          \
	X(51, RLIMIT,               "uuu",     "resource soft hard")                                             \
	X(52, UMASK,                "u",       "mask")                                                           \
	X(53, BOUND_CAPABILITIES,   "u",       "bounding")                                                       \
	X(54, USER,                 "uub",     "uid gid groups")                                                 \
	X(55, CAPABILITIES,         "uuuu",    "effective permitted inheritable ambient")                        \
	X(56, NO_NEW_PRIVILEGES,    "",        "")                                                               \
	X(57, SECCOMP,              "ub",      "flags filter")                                                   \
	X(58, CHANGE_DIRECTORY,     "su",      "path create")                                                    \
	X(59, CONTAIN_DESCRIPTORS,  "u",       "preserved")                                                      \
	X(60, SCHEDULER,            "uuiuuuu", "policy flags nice priority runtime_ns deadline_ns period_ns")    \
	X(61, IO_PRIORITY,          "uu",      "kind level")                                                     \
	X(62, CPU_AFFINITY,         "b",       "cpus")                                                           \
	X(63, MEMORY_POLICY,        "ub",      "mode nodes")                                                     \
	X(64, PERSONALITY,          "u",       "persona")                                                        \
	X(65, APPARMOR_PROFILE,     "s",       "profile")                                                        \
	X(66, SELINUX_LABEL,        "s",       "label")                                                          \
	X(67, SECCOMP_NOTIFY,       "ubS",     "flags filter state")                                             \
	X(68, SECCOMP_MONITOR,      "uS",      "flags state")                                                    \
	/* -- init: the payload -- */                                                                            \
	X(69, LISTEN_PID,           "",        "")                                                               \
	X(70, FIND_PROGRAM,         "sS",      "name search_path")                                               \
	X(71, BARRIER,              "",        "")                                                               \
	X(72, EXECUTE,              "SS",      "args env")                                                       \
	X(73, EXECUTE_MONITOR,      "SSbu",    "args env filter barrier")

/* clang-format on */

enum kr_op_code {
#define KR_OP_ENUM(code, name, signature, operands) KR_OP_##name = (code),
	KR_OPS(KR_OP_ENUM)
#undef KR_OP_ENUM
};

struct kr_op_info {
	uint16_t code;
	const char *name;      /* "MOUNT" */
	const char *signature; /* "ssSsuuuu" */
	const char *operands;  /* names, separated by one space */
};

/* Every operation in the order of KR_OPS, ended by one whose name is NULL. */
extern const struct kr_op_info kr_op_table[];

#endif
