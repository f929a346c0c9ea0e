"""Starts krun-init and serves its conversation until the container is created or has failed.

csrc/base/msg.h draws the conversation.  Out of scope: what the runtime does when it is asked for something;
that is the business of the `Servant`.
"""

from __future__ import annotations

import errno
import select

from krun import os
from krun.errors import HookError, HostError, KrunError, PayloadError, StageError, symbol, with_errno
from krun.execute import protocol
from krun.execute.monitor import sealed_program
from krun.execute.processes import ending, kill_child
from krun.execute.protocol import Message
from krun.plan.ops import Execute, FindProgram, Hook
from krun.sys import native
from krun.sys.packets import Packets, packet_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from krun.execute.cgroup import Entrance
    from krun.plan.ops import Op
    from krun.spec.model import Seccomp

    class Servant(Protocol):
        """What krun-init may ask of the runtime.  An exception ends the conversation and the container."""

        def map_ids(self, pid: int) -> None:
            """Write the id maps of the process."""

        def adopt(self, pid: int) -> None:
            """Take note of the container's init, which waits."""

        def run_hooks(self, point: str) -> None:
            """Run the hooks of a point in the runtime's namespaces."""

        def take_log(self, text: str) -> None:
            """Take a warning."""


class Interrupted(KrunError):
    """krun was asked to stop."""


class Stage:
    """krun-init at work.  `close` ends what `commit` has not made a container."""

    def __init__(self, pid: int, pidfd: int, socket: Packets, program: Sequence[Op]) -> None:
        """Take over the process and the socket."""
        self._pid, self._pidfd, self._socket, self._program = pid, pidfd, socket, program
        self._init = 0
        self._is_open = True

    def converse(self, servant: Servant, interrupt: int) -> None:
        """Serve until READY.  `interrupt` is a descriptor that is readable when krun is asked to stop.

        Raises StageError, PayloadError, Interrupted, and what the servant raises.
        """
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        poll.register(interrupt, select.POLLIN)
        while True:
            if any(file == interrupt for file, _ in poll.poll()):
                raise Interrupted("interrupted by a signal")
            packet = self._socket.receive(protocol.LARGEST_PACKET)
            if not packet:
                raise self._death()
            message = protocol.decode_message(packet)
            if message.type == native.MSG_READY:
                return
            answer = self._serve(message, servant)
            if answer is not None:
                self._socket.send(protocol.encode_message(answer))

    def commit(self) -> None:
        """Let init outlive this process: until then the end of the conversation is its end.

        The second time, nothing happens.
        """
        if self._is_open:
            self._socket.send(protocol.encode_message(Message(native.MSG_CONTINUE)))
            self.close()

    def close(self) -> None:
        """End krun-init if it still runs and wait for it; init ends itself, unless it was committed."""
        if self._is_open:
            self._socket.close()
            self._is_open = False
        if self._pid:
            kill_child(self._pid, self._pidfd)
            self._pid = 0
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def _serve(self, message: Message, servant: Servant) -> Message | None:
        proceed = Message(native.MSG_CONTINUE)
        if message.type == native.MSG_MAPS_PLEASE:
            servant.map_ids(message.value)
            return proceed
        if message.type == native.MSG_INIT:
            self._init = message.value
            servant.adopt(message.value)
            return Message(native.MSG_CONTINUE, message.value)
        if message.type == native.MSG_HOOKS_PLEASE:
            try:
                servant.run_hooks(message.text)
            except KrunError:
                self._socket.send(protocol.encode_message(Message(native.MSG_ABORT)))
                raise
            return proceed
        if message.type == native.MSG_LOG:
            servant.take_log(message.text)
            return None
        if message.type == native.MSG_ERROR:
            raise self._error(message)
        raise KrunError(f"krun-init sent {message.name}, expected one of its own messages")

    def _error(self, message: Message) -> KrunError:
        """Turn ERROR, whose text is an errno's name and what was wrong, into the fitting exception."""
        name, _, reason = message.text.partition(" ")
        if message.value == native.MSG_NO_OP or message.value >= len(self._program):
            return PayloadError(with_errno(name, reason))
        op = self._program[message.value]
        if isinstance(op, FindProgram | Execute):
            # Clients look for the shell's words, which stand in the reason.
            return PayloadError(reason or name)
        if isinstance(op, Hook):
            said = reason.removeprefix(f"hook {op.point}[{op.index}] {op.path}: ")
            return HookError(op.point, op.index, op.path, said or name)
        # krun-init names the operation and its path, and knows more of what went wrong than the plan.
        from krun.plan.describe import describe  # only errors want words

        return StageError(message.value, reason or describe(op), getattr(errno, name, 0), name)

    def _death(self) -> KrunError:
        """Say how the side that held the socket ended without a word."""
        who, pid = ("the container's init", self._init) if self._init else ("krun-init", self._pid)
        status = os.waitpid(pid, 0)[1]
        if pid == self._pid:
            self._pid = 0
        return KrunError(f"{who} {ending(status)} before the container was created")


def start(
    program: Sequence[Op],
    descriptors: Mapping[int, int],
    preserved: Sequence[int],
    compile_filter: Callable[[Seccomp], bytes],
    entrance: Entrance,
) -> Stage:
    """Start krun-init on a program.

    descriptors: role (native.FD_*) -> descriptor, all but the socket; they stay the caller's.
    preserved: descriptors that the payload gets besides 0 to 2, at their own numbers.
    entrance: the cgroup in which krun-init, and so everything after it, is born.
    Raises HostError when the installation is not complete or the process cannot be made.
    """
    ours, theirs = packet_pair()
    files: list[int] = []
    try:
        roles = {**descriptors, native.FD_SYNC: theirs.fileno()}
        encoded = protocol.encode_program(program, roles, compile_filter)
        files.append(native.memfd_sealed("program", encoded, executable=False))
        files.append(sealed_program("krun-init"))
        inherit = (files[0], *roles.values(), *preserved)
        words = ("krun-init", str(files[0]))
        pid, pidfd = native.spawn(files[1], words, inherit, entrance.tasks, entrance.unified)
    except OSError as error:
        ours.close()
        found = symbol(error)
        raise HostError("krun-init cannot be started in the container's cgroup", found) from error
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        for file in files:
            os.close(file)
    return Stage(pid, pidfd, ours, program)
