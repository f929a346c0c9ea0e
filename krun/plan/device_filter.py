"""A device list as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, for cgroup v2.

Holds the few instructions that the program needs.  Out of scope: loading and attaching it
(`krun.execute.cgroup_bpf`), and what the list should be (`krun.plan.device_rules`).

The kernel calls the program for each mknod and each open of a device node with
`struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }`, where access_type is
`access << 16 | type`; it returns 1 to allow, 0 to deny.
Source: Documentation/admin-guide/cgroup-v2.rst "Device controller", include/uapi/linux/bpf.h.
"""

from __future__ import annotations

from krun.plan.device_rules import ALL, ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.device_rules import DeviceException, DeviceList

_ACCESS = {"m": 1, "r": 2, "w": 4}
"""BPF_DEVCG_ACC_MKNOD, _READ, _WRITE."""
_TYPE = {"b": 1, "c": 2}
"""BPF_DEVCG_DEV_BLOCK, _CHAR."""

# Registers: r1 is the context on entry, r0 the result.
_R0, _R1, _R2, _R3, _R4, _R5 = range(6)
_ACCESS_TYPE, _MAJOR, _MINOR = 0, 4, 8
"""Offsets in the context."""

# Opcodes: class | source | operation, from include/uapi/linux/bpf_common.h and bpf.h.
_LOAD_WORD = 0x61  # BPF_LDX | BPF_MEM | BPF_W
_MOVE = 0xB7  # BPF_ALU64 | BPF_K | BPF_MOV
_MOVE_REGISTER = 0xBF  # BPF_ALU64 | BPF_X | BPF_MOV
_AND = 0x57  # BPF_ALU64 | BPF_K | BPF_AND
_SHIFT_RIGHT = 0x77  # BPF_ALU64 | BPF_K | BPF_RSH
_JUMP_UNLESS_EQUAL = 0x55  # BPF_JMP | BPF_K | BPF_JNE
_JUMP = 0x05  # BPF_JMP | BPF_JA
_JUMP_IF_SET = 0x45  # BPF_JMP | BPF_K | BPF_JSET
_EXIT = 0x95  # BPF_JMP | BPF_EXIT


def device_filter(devices: DeviceList) -> bytes:
    """Compile a device list to an array of `struct bpf_insn`, little-endian.

    Where the default denies, an access is allowed when one exception covers all of it; where it allows, an
    access is denied when one exception covers any part of it.  That is what the kernel's v1 lists do.
    """
    code = [
        _instruction(_LOAD_WORD, _R2, _R1, _ACCESS_TYPE),
        _instruction(_MOVE_REGISTER, _R3, _R2),
        _instruction(_AND, _R2, immediate=0xFFFF),  # r2: type
        _instruction(_SHIFT_RIGHT, _R3, immediate=16),  # r3: access
        _instruction(_LOAD_WORD, _R4, _R1, _MAJOR),
        _instruction(_LOAD_WORD, _R5, _R1, _MINOR),
    ]
    for exception in devices.exceptions:
        code += _exception(exception, devices.allow)
    code += _return(devices.allow)
    return b"".join(code)


def _exception(exception: DeviceException, allow: bool) -> list[bytes]:
    """Return "leave with the opposite of the default when this exception holds"."""
    leave = _return(not allow)
    steps = [(_JUMP_UNLESS_EQUAL, _R2, _TYPE[exception.type])]
    if exception.major != ANY:
        steps.append((_JUMP_UNLESS_EQUAL, _R4, exception.major))
    if exception.minor != ANY:
        steps.append((_JUMP_UNLESS_EQUAL, _R5, exception.minor))
    mask = sum(_ACCESS[letter] for letter in exception.access)
    last = []
    if allow:
        # Denied if any of these bits is asked for: the bits jump over the jump that skips the return.
        last = [
            _instruction(_JUMP_IF_SET, _R3, offset=1, immediate=mask),
            _instruction(_JUMP, offset=len(leave)),
        ]
    elif exception.access != ALL:
        # Allowed unless a bit outside of these is asked for.
        last = [_instruction(_JUMP_IF_SET, _R3, offset=len(leave), immediate=~mask & 7)]
    beyond = len(steps) + len(last) + len(leave)
    code = [
        _instruction(opcode, register, offset=beyond - index - 1, immediate=value)
        for index, (opcode, register, value) in enumerate(steps)
    ]
    return code + last + leave


def _return(allow: bool) -> list[bytes]:
    return [_instruction(_MOVE, _R0, immediate=int(allow)), _instruction(_EXIT)]


def _instruction(opcode: int, to: int = 0, source: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    """Encode one `struct bpf_insn { u8 code; u8 dst:4, src:4; s16 off; s32 imm; }`."""
    return (
        bytes((opcode, source << 4 | to))
        + (offset & 0xFFFF).to_bytes(2, "little")
        + (immediate & 0xFFFFFFFF).to_bytes(4, "little")
    )
