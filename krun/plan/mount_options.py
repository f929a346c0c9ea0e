"""The words in a mount's `options`: what each one does, as tables.

What is in no table is a parameter of the file system and is passed on.  `krun features` lists these tables.
Out of scope: what a mount of a given type becomes (`mounts`).
"""

from __future__ import annotations

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# mount_setattr(2)
MOUNT_ATTR_RDONLY = 0x00000001
MOUNT_ATTR_NOSUID = 0x00000002
MOUNT_ATTR_NODEV = 0x00000004
MOUNT_ATTR_NOEXEC = 0x00000008
MOUNT_ATTR_NOATIME = 0x00000010
MOUNT_ATTR_STRICTATIME = 0x00000020
MOUNT_ATTR__ATIME = 0x00000070
MOUNT_ATTR_NODIRATIME = 0x00000080
MOUNT_ATTR_NOSYMFOLLOW = 0x00200000

# mount(2)
MS_REC = 0x00004000
MS_UNBINDABLE = 0x00020000
MS_PRIVATE = 0x00040000
MS_SLAVE = 0x00080000
MS_SHARED = 0x00100000

# Option -> (set, clear).  Access times are one field of two bits: whoever sets one value clears the others,
# and relatime is the value 0.
ATTRIBUTES: Mapping[str, tuple[int, int]] = {
    "ro": (MOUNT_ATTR_RDONLY, 0),
    "rw": (0, MOUNT_ATTR_RDONLY),
    "nosuid": (MOUNT_ATTR_NOSUID, 0),
    "suid": (0, MOUNT_ATTR_NOSUID),
    "nodev": (MOUNT_ATTR_NODEV, 0),
    "dev": (0, MOUNT_ATTR_NODEV),
    "noexec": (MOUNT_ATTR_NOEXEC, 0),
    "exec": (0, MOUNT_ATTR_NOEXEC),
    "noatime": (MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME),
    "atime": (0, MOUNT_ATTR__ATIME),
    "strictatime": (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
    "nostrictatime": (0, MOUNT_ATTR__ATIME),
    "relatime": (0, MOUNT_ATTR__ATIME),
    "norelatime": (0, MOUNT_ATTR__ATIME),
    "nodiratime": (MOUNT_ATTR_NODIRATIME, 0),
    "diratime": (0, MOUNT_ATTR_NODIRATIME),
    "nosymfollow": (MOUNT_ATTR_NOSYMFOLLOW, 0),
    "symfollow": (0, MOUNT_ATTR_NOSYMFOLLOW),
}

# The same for every mount below the destination; an `r` before the attribute's own name.
RECURSIVE_ATTRIBUTES: Mapping[str, tuple[int, int]] = {f"r{name}": bits for name, bits in ATTRIBUTES.items()}

PROPAGATION: Mapping[str, int] = {
    "private": MS_PRIVATE,
    "rprivate": MS_PRIVATE | MS_REC,
    "shared": MS_SHARED,
    "rshared": MS_SHARED | MS_REC,
    "slave": MS_SLAVE,
    "rslave": MS_SLAVE | MS_REC,
    "unbindable": MS_UNBINDABLE,
    "runbindable": MS_UNBINDABLE | MS_REC,
}

# Of the file system itself: option -> (parameter, whether it is set or taken back).  A bind mount has no file
# system of its own, so the kernel heeds only the attributes there.
SUPERBLOCK: Mapping[str, tuple[str, bool]] = {
    "ro": ("ro", True),
    "rw": ("ro", False),
    "sync": ("sync", True),
    "async": ("sync", False),
    "dirsync": ("dirsync", True),
    "lazytime": ("lazytime", True),
    "nolazytime": ("lazytime", False),
    "mand": ("mand", True),
    "nomand": ("mand", False),
}

# `defaults` names what holds anyway; `loud` and `silent` say how much the kernel logs; change counting
# (`iversion`) is no business of the mounter's since Linux 5.2: fsconfig(2) has no word for it and the file
# systems that count switch it on themselves.
WITHOUT_EFFECT: frozenset[str] = frozenset({"defaults", "loud", "silent", "iversion", "noiversion"})

# What kind of mount it is.
KIND: frozenset[str] = frozenset({"bind", "rbind", "remount"})

# What a tmpfs begins with: a copy of what it covers.
COPY: frozenset[str] = frozenset({"tmpcopyup"})

# The ids of the mount, or of those below as well, are mapped (`idmapped`).
IDMAP: frozenset[str] = frozenset({"idmap", "ridmap"})


_OTHER = WITHOUT_EFFECT | KIND | COPY | IDMAP


class MountOptions(Record):
    """What a list of options comes to; the last of two that contradict each other wins."""

    bind: bool
    recursive_bind: bool
    remount: bool
    copy: bool
    """Begin with a copy of what is covered."""
    attr_set: int
    attr_clear: int
    recursive_set: int
    """Attributes for every mount below the destination, beside those of its top."""
    recursive_clear: int
    propagation: tuple[int, ...]
    """MS_* flags, one change of propagation after the other."""
    parameters: tuple[str, ...]
    """Parameters of the file system, its superblock's included."""


def parse_options(options: tuple[str, ...]) -> MountOptions:
    """Sort the options by what they do."""
    top = (0, 0)
    below = (0, 0)
    propagation = []
    superblock: dict[str, None] = {}
    parameters = []
    for option in options:
        if option in SUPERBLOCK:
            name, is_set = SUPERBLOCK[option]
            if is_set:
                superblock[name] = None
            else:
                superblock.pop(name, None)
        if option in ATTRIBUTES:
            top = _changed(top, ATTRIBUTES[option])
        elif option in RECURSIVE_ATTRIBUTES:
            below = _changed(below, RECURSIVE_ATTRIBUTES[option])
        elif option in PROPAGATION:
            propagation.append(PROPAGATION[option])
        elif option not in SUPERBLOCK and option not in _OTHER and option.partition("=")[0] not in IDMAP:
            parameters.append(option)
    return MountOptions(
        bind="bind" in options or "rbind" in options,
        recursive_bind="rbind" in options,
        remount="remount" in options,
        copy=not COPY.isdisjoint(options),
        attr_set=top[0],
        attr_clear=top[1],
        recursive_set=below[0],
        recursive_clear=below[1],
        propagation=tuple(propagation),
        parameters=(*superblock, *parameters),
    )


def _changed(state: tuple[int, int], change: tuple[int, int]) -> tuple[int, int]:
    """Add one option's (set, clear) to those before it."""
    set_bits, clear_bits = change
    before_set, before_clear = state
    return before_set & ~(set_bits | clear_bits) | set_bits, before_clear & ~set_bits | clear_bits
