/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ioctl(2).  A command says nothing about what its argument points to: only commands whose argument is known
 * are served, and what a driver would follow from there is checked in a copy.  All others are ENOTTY.
 */
#include "ethtool.h"
#include "fiemap.h"
#include "hypercall.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/syscall.h>

kr_handler kr_call_ioctl;

/* What the third argument is. */
enum shape {
	UNKNOWN,
	NUMBER,     /* a number, or nothing */
	PROCESS,    /* the number of a process */
	POINTER,    /* to `size` bytes without a pointer in them */
	DESCRIPTOR, /* a descriptor */
	INTERFACES, /* struct ifconf */
	ROUTE,      /* struct rtentry */
	ETHTOOL,    /* struct ifreq with a command of its own */
	FILE_MAP    /* struct fiemap */
};

struct argument {
	enum shape shape;
	uint32_t size;
};

static const struct argument unknown = { UNKNOWN, 0 };
static const struct argument number = { NUMBER, 0 };
static const struct argument descriptor = { DESCRIPTOR, 0 };

#define KERNEL_TERMIO   18u
#define SERIAL_STRUCT   72u
#define CLONE_RANGE     32u
#define FS_XATTR        28u
#define TRIM_RANGE      24u
#define UUID_SIZE       17u
#define SYSFS_PATH_SIZE 129u
/* Newer than the headers. */
#ifndef FS_IOC_GETFSUUID
#define FS_IOC_GETFSUUID      _IOC(_IOC_READ, 0x15, 0, UUID_SIZE)
#define FS_IOC_GETFSSYSFSPATH _IOC(_IOC_READ, 0x15, 1, SYSFS_PATH_SIZE)
#endif

static struct argument pointer(uint32_t size)
{
	return (struct argument){ POINTER, size };
}

/* Terminals, and what every descriptor answers to. */
static struct argument describe_terminal(uint32_t command)
{
	switch (command) {
	case TCGETS:
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TIOCGLCKTRMIOS:
	case TIOCSLCKTRMIOS:
		return pointer(sizeof(struct termios));
	case TCGETA:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return pointer(KERNEL_TERMIO);
	case TIOCGSERIAL:
		return pointer(SERIAL_STRUCT);
	case TIOCGWINSZ:
	case TIOCSWINSZ:
	case FIOQSIZE:
		return pointer(8);
	case TIOCSTI:
		return pointer(1);
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCOUTQ:
	case TIOCMGET:
	case TIOCMBIS:
	case TIOCMBIC:
	case TIOCMSET:
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
	case FIONREAD:
	case TIOCPKT:
	case FIONBIO:
	case FIOASYNC:
	case TIOCSETD:
	case TIOCGETD:
	case TIOCGSID:
		return pointer(4);
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
	case TIOCEXCL:
	case TIOCNXCL:
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCCONS:
	case TIOCSBRK:
	case TIOCCBRK:
	case TIOCVHANGUP:
	case TIOCMIWAIT:
	case TIOCGPTPEER:
	case TIOCSIG:
	case FIOCLEX:
	case FIONCLEX:
		return number;
	case TCGETS2:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TIOCGPTN:
	case TIOCSPTLCK:
	case TIOCGDEV:
	case TIOCGPKT:
	case TIOCGPTLCK:
	case TIOCGEXCL:
		return pointer(_IOC_SIZE(command));
	default:
		return unknown;
	}
}

static struct argument describe_socket(uint32_t command)
{
	switch (command) {
	case SIOCGIFCONF:
		return (struct argument){ INTERFACES, 0 };
	case SIOCADDRT:
	case SIOCDELRT:
		return (struct argument){ ROUTE, 0 };
	case SIOCETHTOOL:
		return (struct argument){ ETHTOOL, 0 };
	case SIOCATMARK:
	case SIOCGPGRP:
	case SIOCSPGRP:
	case FIOGETOWN:
	case FIOSETOWN:
		return pointer(4);
	case SIOCGSTAMP_OLD:
	case SIOCGSTAMPNS_OLD:
		return pointer(16);
	case SIOCGARP:
	case SIOCSARP:
	case SIOCDARP:
		return pointer(68);
	case SIOCGSKNS:
		return number;
	case SIOCBRADDBR:
	case SIOCBRDELBR:
		return pointer(IFNAMSIZ);
	case SIOCBRADDIF:
	case SIOCBRDELIF:
	case SIOCGMIIPHY:
	case SIOCGMIIREG:
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCSIFFLAGS:
	case SIOCGIFADDR:
	case SIOCSIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCSIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCSIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCSIFNETMASK:
	case SIOCGIFMETRIC:
	case SIOCSIFMETRIC:
	case SIOCGIFMTU:
	case SIOCSIFMTU:
	case SIOCGIFHWADDR:
	case SIOCSIFHWADDR:
	case SIOCSIFHWBROADCAST:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCSIFTXQLEN:
	case SIOCGIFMAP:
	case SIOCSIFNAME:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCSIFPFLAGS:
	case SIOCGIFPFLAGS:
	case SIOCGIFCOUNT:
		return pointer(sizeof(struct ifreq));
	default:
		return unknown;
	}
}

static struct argument describe_file(uint32_t command)
{
	switch (command) {
	case FICLONE:
		return descriptor;
	case FS_IOC_FIEMAP:
		return (struct argument){ FILE_MAP, 0 };
	case FS_IOC_GETFSUUID:
		return pointer(UUID_SIZE);
	case FS_IOC_GETFSSYSFSPATH:
		return pointer(SYSFS_PATH_SIZE);
	case FICLONERANGE:
		return pointer(CLONE_RANGE);
	case FITRIM:
		return pointer(TRIM_RANGE);
	case FS_IOC_FSGETXATTR:
	case FS_IOC_FSSETXATTR:
		return pointer(FS_XATTR);
	case FIFREEZE:
	case FITHAW:
	case BLKROGET:
	case BLKROSET:
	case BLKGETSIZE:
	case BLKSSZGET:
	case BLKBSZGET:
	case BLKGETSIZE64:
	case BLKPBSZGET:
	case BLKIOMIN:
	case BLKIOOPT:
	case BLKALIGNOFF:
	case BLKRAGET:
	case FIGETBSZ:
	case FIBMAP:
	case FS_IOC_GETFLAGS:
	case FS_IOC_SETFLAGS:
	case FS_IOC_GETVERSION:
	case FS_IOC_SETVERSION:
		return pointer(8);
	case BLKFLSBUF:
	case BLKRRPART:
	case BLKRASET:
		return number;
	case BLKDISCARD:
	case BLKSECDISCARD:
	case BLKZEROOUT:
		return pointer(16);
	case FS_IOC_GETFSLABEL:
	case FS_IOC_SETFSLABEL:
		return pointer(FSLABEL_MAX);
	case RNDGETENTCNT:
		return pointer(4);
	default:
		return unknown;
	}
}

/* Tunnels: most of these take a number, whatever their code says. */
static struct argument describe_tunnel(uint32_t command)
{
	switch (command) {
	case TUNSETIFF:
	case TUNGETIFF:
	case TUNSETQUEUE:
		return pointer(sizeof(struct ifreq));
	case TUNGETFEATURES:
	case TUNGETSNDBUF:
	case TUNSETSNDBUF:
	case TUNGETVNETHDRSZ:
	case TUNSETVNETHDRSZ:
	case TUNSETIFINDEX:
		return pointer(4);
	case TUNSETNOCSUM:
	case TUNSETDEBUG:
	case TUNSETPERSIST:
	case TUNSETOWNER:
	case TUNSETGROUP:
	case TUNSETLINK:
	case TUNSETOFFLOAD:
		return number;
	default:
		return unknown;
	}
}

/* Namespaces (linux/nsfs.h).  Drivers have commands of the same type and number with other arguments: only whole
 * commands are known, and structures that grow by their direction. */
#define NAMESPACE_TYPE 0xb7u

static struct argument describe_namespace(uint32_t command)
{
	const bool is_read = _IOC_TYPE(command) == NAMESPACE_TYPE && _IOC_DIR(command) == _IOC_READ;

	switch (command) {
	case _IO(NAMESPACE_TYPE, 1): /* NS_GET_USERNS */
	case _IO(NAMESPACE_TYPE, 2): /* NS_GET_PARENT */
	case _IO(NAMESPACE_TYPE, 3): /* NS_GET_NSTYPE */
		return number;
	case _IO(NAMESPACE_TYPE, 4): /* NS_GET_OWNER_UID */
		return pointer(4);
	case _IOR(NAMESPACE_TYPE, 6, int): /* NS_GET_PID_FROM_PIDNS */
	case _IOR(NAMESPACE_TYPE, 7, int): /* NS_GET_TGID_FROM_PIDNS */
	case _IOR(NAMESPACE_TYPE, 8, int): /* NS_GET_PID_IN_PIDNS */
	case _IOR(NAMESPACE_TYPE, 9, int): /* NS_GET_TGID_IN_PIDNS */
		return (struct argument){ PROCESS, 0 };
	default:
		break;
	}
	switch (_IOC_NR(command)) {
	case 5:  /* NS_GET_MNTNS_ID */
	case 10: /* NS_MNT_GET_INFO */
	case 11: /* NS_MNT_GET_NEXT */
	case 12: /* NS_MNT_GET_PREV */
	case 13: /* NS_GET_ID */
		return is_read ? pointer(_IOC_SIZE(command)) : unknown;
	default:
		return unknown;
	}
}

/* Processes (linux/pidfd.h): each number up to 10 gives a namespace, the next tells of the process. */
#define PROCESS_TYPE 0xffu

static struct argument describe_process(uint32_t command)
{
	if (command >= _IO(PROCESS_TYPE, 1) && command <= _IO(PROCESS_TYPE, 10)) {
		return number;
	}
	return (command & ~(uint32_t)IOCSIZE_MASK) == _IOC(_IOC_READ | _IOC_WRITE, PROCESS_TYPE, 11, 0)
		       ? pointer(_IOC_SIZE(command))
		       : unknown;
}

static struct argument describe(uint32_t command)
{
	static struct argument (*const subjects[])(uint32_t) = {
		describe_terminal, describe_socket,    describe_file,
		describe_tunnel,   describe_namespace, describe_process,
	};

	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		struct argument argument = subjects[i](command);

		if (argument.shape != UNKNOWN) {
			return argument;
		}
	}
	return unknown;
}

static int64_t pass(struct kr_thread *thread, const struct kr_call *call, uint64_t argument)
{
	return kr_host_call(thread, SYS_ioctl,
			    (const uint64_t[6]){ call->arg[0], call->arg[1], argument, 0, 0, 0 });
}

/* struct ifconf points to the room for the list; a NULL there asks for the size. */
static int64_t list_interfaces(struct kr_thread *thread, const struct kr_call *call)
{
	struct ifconf list;
	int64_t result;

	if (kr_copy_from_guest(&list, call->arg[2], sizeof list) < 0 || list.ifc_len < 0) {
		return pass(thread, call, kr_stand_in(call->arg[2], sizeof list));
	}
	if (list.ifc_buf != NULL && !kr_guest_has((uint64_t)(uintptr_t)list.ifc_buf, (uint64_t)list.ifc_len)) {
		return -EFAULT;
	}
	result = pass(thread, call, (uint64_t)(uintptr_t)&list);
	if (result == 0 && kr_copy_to_guest(call->arg[2], &list, sizeof list) < 0) {
		return -EFAULT;
	}
	return result;
}

/* struct rtentry points to the name of an interface. */
static int64_t change_route(struct kr_thread *thread, const struct kr_call *call)
{
	struct rtentry route;
	char name[IFNAMSIZ];

	if (kr_copy_from_guest(&route, call->arg[2], sizeof route) < 0) {
		return pass(thread, call, kr_stand_in(call->arg[2], sizeof route));
	}
	if (route.rt_dev != NULL) {
		int64_t length = kr_copy_string(name, (uint64_t)(uintptr_t)route.rt_dev, sizeof name);

		if (length < 0) {
			return length == -ENAMETOOLONG ? -ENODEV : length;
		}
		route.rt_dev = name;
	}
	return pass(thread, call, (uint64_t)(uintptr_t)&route);
}

int64_t kr_call_ioctl(struct kr_thread *thread, const struct kr_call *call)
{
	struct argument argument = describe((uint32_t)call->arg[1]);
	uint64_t pointed = call->arg[2];

	switch (argument.shape) {
	case UNKNOWN:
		return fcntl((int)(uint32_t)call->arg[0], F_GETFD) < 0 ? -errno : -ENOTTY;
	case NUMBER:
		break;
	case PROCESS:
		/* Not an address of the monitor's, whoever should take it for one. */
		pointed = (uint32_t)pointed;
		break;
	case POINTER:
		if (!kr_guest_has(call->arg[2], argument.size)) {
			pointed = kr_stand_in(pointed, argument.size);
		}
		break;
	case DESCRIPTOR:
		if (kr_is_monitor_fd((int)(uint32_t)call->arg[2])) {
			return -EBADF;
		}
		break;
	case INTERFACES:
		return list_interfaces(thread, call);
	case ROUTE:
		return change_route(thread, call);
	case FILE_MAP:
		return kr_fiemap(thread, (int)(uint32_t)call->arg[0], call->arg[2]);
	case ETHTOOL:
		return kr_ethtool(thread, (int)(uint32_t)call->arg[0], call->arg[2]);
	}
	return pass(thread, call, pointed);
}
