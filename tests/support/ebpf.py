"""An interpreter of the eBPF instructions that a device filter may consist of, as the kernel defines them.

Written from Documentation/bpf/standardization/instruction-set.rst and not from the compiler: opcodes are
taken apart by their fields.  Like the verifier, it refuses what it does not know, jumps backwards or out of
the program, and reads of registers that were not written.
"""

from __future__ import annotations

import struct

_CLASS, _SOURCE, _CODE = 0x07, 0x08, 0xF0
_LDX, _JMP, _ALU64 = 0x01, 0x05, 0x07
_WORD = 0x61
_MASK = (1 << 64) - 1
_ALU = {0x50: lambda a, b: a & b, 0x70: lambda a, b: a >> (b & 63), 0xB0: lambda _a, b: b}
_CONDITIONS = {0x50: lambda a, b: a != b, 0x40: lambda a, b: bool(a & b), 0x10: lambda a, b: a == b}


def run(program: bytes, context: bytes) -> int:
    """Run a program on a context; returns r0."""
    if len(program) % 8 != 0:
        raise AssertionError("not a whole number of instructions")
    code = list(struct.iter_unpack("<BBhi", program))
    registers: dict[int, int] = {1: 0}
    at = 0
    while True:
        if not 0 <= at < len(code):
            raise AssertionError(f"left the program at {at}")
        opcode, pair, offset, immediate = code[at]
        to, source = pair & 15, pair >> 4
        at += 1
        kind, operation = opcode & _CLASS, opcode & _CODE
        operand = registers[source] if opcode & _SOURCE and kind != _LDX else immediate & _MASK
        if opcode == _WORD:
            if source != 1 or offset % 4 != 0 or not 0 <= offset <= len(context) - 4:
                raise AssertionError(f"invalid context access at {at - 1}")
            registers[to] = struct.unpack_from("<I", context, offset)[0]
        elif kind == _ALU64 and operation in _ALU:
            old = 0 if operation == 0xB0 else registers[to]
            registers[to] = _ALU[operation](old, operand) & _MASK
        elif kind == _JMP and operation == 0x90:
            return registers[0]
        elif kind == _JMP and (operation == 0x00 or operation in _CONDITIONS):
            if offset < 0:
                raise AssertionError(f"jumps backwards at {at - 1}")
            if operation == 0x00 or _CONDITIONS[operation](registers[to], operand):
                at += offset
        else:
            raise AssertionError(f"unknown opcode {opcode:#x} at {at - 1}")
