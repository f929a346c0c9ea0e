"""The runtime's side of the conversation with krun-init, and the encoding of its program.

csrc/base/msg.h draws the conversation, csrc/include/kr/ops.h the layout of a program; codes and signatures
are read from there through the cffi module, so that they are written down once.

Out of scope: what is done about a message (`stage`).
"""

from __future__ import annotations

from krun.errors import KrunError
from krun.spec.model import Seccomp
from krun.sys import native
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from krun.plan.ops import Op

_HEAD_BYTES = 8
LARGEST_PACKET = _HEAD_BYTES + native.MSG_TEXT

_NAMES = {
    native.MSG_MAPS_PLEASE: "MAPS_PLEASE",
    native.MSG_INIT: "INIT",
    native.MSG_HOOKS_PLEASE: "HOOKS_PLEASE",
    native.MSG_LOG: "LOG",
    native.MSG_READY: "READY",
    native.MSG_ERROR: "ERROR",
    native.MSG_CONTINUE: "CONTINUE",
    native.MSG_ABORT: "ABORT",
}


class Message(Record):
    """One message.  What `value` and `text` mean depends on the type."""

    type: int
    value: int = 0
    text: str = ""

    @property
    def name(self) -> str:
        """The name of the type, for messages to people."""
        return _NAMES.get(self.type, f"message {self.type}")


def encode_message(message: Message) -> bytes:
    """Return the packet of a message."""
    return _u32(message.type) + _u32(message.value) + message.text.encode("utf-8", "surrogateescape")


def decode_message(packet: bytes) -> Message:
    """Return the message of a packet.  Raises KrunError for one that is too short."""
    if len(packet) < _HEAD_BYTES:
        raise KrunError(f"krun-init sent a packet of {len(packet)} bytes, expected a message")
    type_, value = (int.from_bytes(packet[i : i + 4], "little") for i in (0, 4))
    return Message(type_, value, packet[_HEAD_BYTES:].decode("utf-8", "surrogateescape"))


def encode_program(
    program: Sequence[Op], descriptors: Mapping[int, int], compile_filter: Callable[[Seccomp], bytes]
) -> bytes:
    """Return the program of krun-init as ops.h lays it out.

    descriptors: role (native.FD_*) -> number; roles that are left out are none.
    compile_filter: turns a seccomp profile into classic BPF.
    """
    table = native.op_table()
    parts = []
    for op in program:
        code, signature, operands = table[op.OP]
        values = (getattr(op, name) for name in operands)
        body = b"".join(
            _ENCODERS[letter](_plain(value, compile_filter))
            for letter, value in zip(signature, values, strict=True)
        )
        parts.append(code.to_bytes(4, "little") + _u32(len(body)) + body)
    roles = b"".join(
        descriptors.get(role, -1).to_bytes(4, "little", signed=True) for role in range(native.FD_COUNT)
    )
    body = b"".join(parts)
    head_bytes = 16 + len(roles)
    head = b"KRPL" + _u32(native.PROGRAM_VERSION) + _u32(head_bytes + len(body)) + _u32(len(program))
    return head + roles + body


def _plain(value: Any, compile_filter: Callable[[Seccomp], bytes]) -> Any:
    """Compile what is a seccomp profile, or none; anything else stands for itself."""
    if value is None:
        return b""
    return compile_filter(value) if isinstance(value, Seccomp) else value


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _bytes(value: bytes) -> bytes:
    return _u32(len(value)) + value


def _string(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    return _u32(len(data)) + data + b"\0"


def _strings(values: Sequence[str]) -> bytes:
    return _u32(len(values)) + b"".join(map(_string, values))


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "u": lambda value: value.to_bytes(8, "little"),
    "i": lambda value: value.to_bytes(8, "little", signed=True),
    "s": _string,
    "b": _bytes,
    "S": _strings,
}
