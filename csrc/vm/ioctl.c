/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ioctl.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

static const struct kr_ioctl unknown = { KR_IOCTL_UNKNOWN, 0 };
static const struct kr_ioctl number = { KR_IOCTL_NUMBER, 0 };
static const struct kr_ioctl descriptor = { KR_IOCTL_DESCRIPTOR, 0 };

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

static struct kr_ioctl pointer(uint32_t size)
{
	return (struct kr_ioctl){ KR_IOCTL_POINTER, size };
}

/* Terminals, and what every descriptor answers to. */
static struct kr_ioctl describe_terminal(uint32_t command)
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

static struct kr_ioctl describe_socket(uint32_t command)
{
	switch (command) {
	case SIOCGIFCONF:
		return (struct kr_ioctl){ KR_IOCTL_INTERFACES, 0 };
	case SIOCADDRT:
	case SIOCDELRT:
		return (struct kr_ioctl){ KR_IOCTL_ROUTE, 0 };
	case SIOCETHTOOL:
		return (struct kr_ioctl){ KR_IOCTL_ETHTOOL, 0 };
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

static struct kr_ioctl describe_file(uint32_t command)
{
	switch (command) {
	case FICLONE:
		return descriptor;
	case FS_IOC_FIEMAP:
		return (struct kr_ioctl){ KR_IOCTL_FILE_MAP, 0 };
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
static struct kr_ioctl describe_tunnel(uint32_t command)
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

static struct kr_ioctl describe_namespace(uint32_t command)
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
		return (struct kr_ioctl){ KR_IOCTL_PROCESS, 0 };
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

static struct kr_ioctl describe_process(uint32_t command)
{
	if (command >= _IO(PROCESS_TYPE, 1) && command <= _IO(PROCESS_TYPE, 10)) {
		return number;
	}
	return (command & ~(uint32_t)IOCSIZE_MASK) == _IOC(_IOC_READ | _IOC_WRITE, PROCESS_TYPE, 11, 0)
		       ? pointer(_IOC_SIZE(command))
		       : unknown;
}

struct kr_ioctl kr_ioctl_describe(uint32_t command)
{
	static struct kr_ioctl (*const subjects[])(uint32_t) = {
		describe_terminal, describe_socket,    describe_file,
		describe_tunnel,   describe_namespace, describe_process,
	};

	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		struct kr_ioctl argument = subjects[i](command);

		if (argument.shape != KR_IOCTL_UNKNOWN) {
			return argument;
		}
	}
	return unknown;
}
