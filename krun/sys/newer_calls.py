"""What a seccomp filter answers to system calls that are newer than its profile: ENOSYS.

A profile that lists what is allowed says nothing about calls that did not exist when it was written, and
its default, EPERM as a rule, breaks every library that tries a new call first and falls back to an old one
when the kernel has no such call.  So whatever has a higher number than all that the profile names gets
ENOSYS, before the filter proper sees it; runc does the same.

Out of scope: the filter proper, which libseccomp makes.
"""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    _Instruction: TypeAlias = tuple[int, int, int, int]

AUDIT_ARCH_X86_64 = 0xC000003E
AUDIT_ARCH_I386 = 0x40000003
X32_BIT = 0x40000000  # set in the numbers of x32's calls, which share x86-64's architecture

# Classic BPF on `struct seccomp_data`, see seccomp(2) and linux/bpf_common.h.
_LOAD, _JUMP, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_FROM, _RETURN = 0x20, 0x05, 0x15, 0x25, 0x35, 0x06
_NUMBER_OFFSET, _ARCH_OFFSET = 0, 4
_RETURN_ERRNO = 0x00050000


def prologue(highest: dict[int, int], highest_x32: int = -1) -> bytes:
    """Return the instructions that go before a filter, none when `highest` is empty.

    highest: architecture (AUDIT_ARCH_*) -> the highest number that the profile names there.
    highest_x32: the same for x32, with its bit; -1 when the profile has no rule for it.
    The filter has to begin with loading what it wants to look at, as libseccomp's do.
    """
    code: list[_Instruction] = []
    for arch, number in reversed(highest.items()):
        compare: list[_Instruction] = [(_JUMP_ABOVE, 0, 1, number)]
        if arch == AUDIT_ARCH_X86_64 and highest_x32 >= 0:
            compare = [
                (_JUMP_FROM, 1, 0, X32_BIT),
                (_JUMP_ABOVE, 1, 2, number),
                (_JUMP_ABOVE, 0, 1, highest_x32),
            ]
        block: list[_Instruction] = [
            (_LOAD, 0, 0, _NUMBER_OFFSET),
            *compare,
            (_RETURN, 0, 0, _RETURN_ERRNO | errno.ENOSYS),
            (_JUMP, 0, 0, len(code)),
        ]
        code = [(_JUMP_EQUAL, 0, len(block), arch), *block, *code]
    if code:
        code = [(_LOAD, 0, 0, _ARCH_OFFSET), *code]
    return b"".join(map(_encode, code))


def _encode(instruction: _Instruction) -> bytes:
    """Return a `struct sock_filter`: u16 code, u8 jump if true, u8 jump if false, u32 k."""
    code, if_true, if_false, k = instruction
    return code.to_bytes(2, "little") + bytes((if_true, if_false)) + k.to_bytes(4, "little")
