"""The runtime's side of base/msg.h and of ops.h."""

from __future__ import annotations

import struct

import pytest

from krun.errors import KrunError
from krun.execute import protocol
from krun.execute.protocol import Message
from krun.plan import ops
from krun.spec.model import Seccomp
from krun.sys import native


def no_filter(_profile: Seccomp) -> bytes:
    """Stand for a compiler that must not be called."""
    raise AssertionError


def test_a_message_survives_the_socket() -> None:
    """Type, value and text, which may hold bytes that are not UTF-8."""
    message = Message(native.MSG_ERROR, native.MSG_NO_OP, "ENOENT /\udcff")
    assert protocol.decode_message(protocol.encode_message(message)) == message
    assert protocol.encode_message(Message(5, 7, "x")) == struct.pack("<II", 5, 7) + b"x"


def test_a_short_packet_is_a_protocol_error() -> None:
    """It says what came and what was expected."""
    with pytest.raises(KrunError, match="packet of 3 bytes"):
        protocol.decode_message(b"abc")


def test_a_program_is_laid_out_as_the_header_says() -> None:
    """Header, roles, and each operation with its operands by their letters."""
    program = (ops.BecomeRoot(), ops.Hostname(name="é"), ops.OomScoreAdj(value=-5))
    encoded = protocol.encode_program(program, {native.FD_SYNC: 9, native.FD_KVM: 11}, no_filter)
    magic, version, size, count = struct.unpack_from("<4sIII", encoded)
    assert (magic, version, size, count) == (b"KRPL", native.PROGRAM_VERSION, len(encoded), 3)
    assert struct.unpack_from(f"<{native.FD_COUNT}i", encoded, 16) == (9, -1, -1, -1, -1, 11, -1)
    table = native.op_table()
    at = 16 + 4 * native.FD_COUNT
    for name, operands in (
        ("BECOME_ROOT", b""),
        ("HOSTNAME", struct.pack("<I", 2) + b"\xc3\xa9\0"),
        ("OOM_SCORE_ADJ", struct.pack("<q", -5)),
    ):
        code, zero, length = struct.unpack_from("<HHI", encoded, at)
        assert (code, zero, length) == (table[name][0], 0, len(operands))
        assert encoded[at + 8 : at + 8 + length] == operands
        at += 8 + length
    assert at == len(encoded)


def test_lists_and_filters_are_encoded() -> None:
    """A profile is compiled on the way; none is empty."""
    profile = Seccomp(default_action="SCMP_ACT_ALLOW")
    for value, code in ((profile, b"bpf!"), (None, b"")):
        op = ops.ExecuteMonitor(args=("a", ""), env=(), filter=value, barrier=1)
        encoded = protocol.encode_program((op,), {}, lambda _profile: b"bpf!")
        body = encoded[16 + 4 * native.FD_COUNT + 8 :]
        strings = struct.pack("<I", 2) + struct.pack("<I", 1) + b"a\0" + struct.pack("<I", 0) + b"\0"
        assert body == strings + struct.pack("<I", 0) + struct.pack("<I", len(code)) + code + struct.pack(
            "<Q", 1
        )
