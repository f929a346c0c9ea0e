"""Runs hooks in the runtime's namespaces: exact arguments and environment, the state on standard input.

prestart and createRuntime belong to `create`, poststart to `start`, poststop to `delete`.
Out of scope: createContainer and startContainer, which krun-init runs in the container's namespaces.
"""

from __future__ import annotations

from krun import os
from krun.errors import HookError, KrunError, symbol
from krun.execute.inherited import withhold
from krun.execute.processes import children, ending, kill_tree
from krun.sys import json, native, signals
from krun.sys.pidfd import open_pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from krun.log import Log

    class Hook(Protocol):
        """A hook of the configuration or of the record."""

        @property
        def path(self) -> str:
            """Absolute path of the program."""

        @property
        def args(self) -> Sequence[str]:
            """Its arguments from argv[0] on; the path alone when empty."""

        @property
        def env(self) -> Sequence[str]:
            """Its whole environment, `NAME=value` each."""

        @property
        def timeout(self) -> int | None:
            """Seconds that it may take; None for no limit."""


_LONGEST_S = ((1 << 31) - 1) // 1000
_OUTPUT_BYTES = 1000  # how much of a failing hook's output its error carries
_IGNORED_BY_PYTHON = (signals.SIGPIPE, signals.SIGXFSZ)


class _Environment:
    """An environment as it is given, in its order and with names that stand there twice.

    What posix_spawn takes is a mapping, and it asks one for nothing but its size, its keys and its values.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        """Take `NAME=value` each."""
        self._entries = [entry.partition("=") for entry in entries]

    def __getitem__(self, name: str) -> str:
        """Be a mapping."""
        return dict(entry[::2] for entry in self._entries)[name]

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._entries)

    def keys(self) -> list[str]:
        """Return the names."""
        return [name for name, _, _ in self._entries]

    def values(self) -> list[str]:
        """Return their values."""
        return [value for _, _, value in self._entries]


def run_hooks(
    point: str, hooks: Sequence[Hook], state: dict[str, Any], interrupts: Sequence[int] = ()
) -> None:
    """Run the hooks of a point one after the other.

    state: what they read on standard input (runtime.md#state).
    interrupts: descriptors that are readable when nobody wants the hooks any more.
    Raises HookError at the first that fails; those after it are not run.
    """
    if not hooks:
        return
    text = json.dumps(state).encode()
    withhold()
    for index, hook in enumerate(hooks):
        reason = _run(hook, text, interrupts)
        if reason:
            raise HookError(point, index, hook.path, reason)


def run_all_hooks(point: str, hooks: Sequence[Hook], state: dict[str, Any], log: Log) -> None:
    """Run every hook of a point; one that fails is a warning (poststop, runtime.md#lifecycle)."""
    for index in range(len(hooks)):
        try:
            run_hooks(point, hooks[index : index + 1], state)
        except KrunError as error:
            log.warning(str(error))


def _run(hook: Hook, state: bytes, interrupts: Sequence[int]) -> str:
    """Run one hook; return why it failed, "" when it did not."""
    # Files and not pipes: a hook need not read, and a process that it leaves behind holds nothing open.
    stdin = _file("hook-stdin", state)
    output = _file("hook-output", b"")
    others = children(os.getpid())
    # A daemon of the hook's becomes a child: one that is to be killed is found.
    native.adopt_orphans(on=True)
    try:
        try:
            pid = os.posix_spawn(
                hook.path,
                tuple(hook.args) or (hook.path,),
                _Environment(hook.env),  # type: ignore[arg-type]  # it has all that is asked for
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, stdin, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ),
                setpgroup=0,
                setsigmask=(),
                setsigdef=(*_IGNORED_BY_PYTHON, *signals.STOPPING),
            )
        except OSError as error:
            # By its number: in words it would look as if the payload were missing.
            return f"cannot be executed: {symbol(error)}"
        reason = _wait(pid, hook.timeout, interrupts, others)
        if reason:
            said = os.pread(output, _OUTPUT_BYTES, max(0, os.fstat(output).st_size - _OUTPUT_BYTES))
            text = " ".join(said.decode("utf-8", "replace").split())
            return f"{reason}: {text}" if text else reason
        return ""
    finally:
        native.adopt_orphans(on=False)
        os.close(stdin)
        os.close(output)


def _wait(pid: int, timeout_s: int | None, interrupts: Sequence[int], others: Sequence[int]) -> str:
    """Wait for a hook's end; return why it failed.  After its time it is killed with all it has started.

    others: the children that krun had before.
    """
    import select

    pidfd = open_pidfd(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        for interrupt in interrupts:
            poll.register(interrupt, select.POLLIN)
        # What poll has no number for, nearly a month, is no limit.
        limit_ms = timeout_s * 1000 if timeout_s is not None and timeout_s <= _LONGEST_S else None
        ready = [file for file, _ in poll.poll(limit_ms)]
    finally:
        os.close(pidfd)
    if pidfd in ready:
        status = os.waitpid(pid, 0)[1]
        return "" if status == 0 else ending(status)
    kill_tree(pid, others)
    os.waitpid(pid, 0)
    return "was interrupted" if ready else f"did not end within {timeout_s} s and was killed"


def _file(name: str, content: bytes) -> int:
    file = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file
