"""Talks to systemd by D-Bus: starts a container's scope, changes its limits, ends it.

Root talks to the host's manager, a plain user to their own, each over the bus or, where there is none, over
the manager's private socket.  A job is waited for by its signal, never polled.
The only importer of jeepney, which is imported for containers of the systemd cgroup driver alone.

Out of scope: which scope and which properties (`krun.plan.systemd`), and the files of the cgroup (`cgroup`).
"""

from __future__ import annotations

import re
import select

from jeepney import DBusAddress, HeaderFields, MessageType, Parser, new_method_call

from krun import os
from krun.errors import HostError, symbol
from krun.plan.systemd import IDLE, is_the_kernels_to_read, resource_properties
from krun.sys.files import read_text
from krun.sys.packets import connect_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Self

    from jeepney import Message

    from krun.plan.resources import Setting
    from krun.plan.systemd import Property, UnitPlan

_MANAGER = DBusAddress(
    "/org/freedesktop/systemd1", "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager"
)
_BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_JOB_REMOVED = (
    "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved',"
    "path='/org/freedesktop/systemd1'"
)
_NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit"
_UNIT_EXISTS = "org.freedesktop.systemd1.UnitExists"
_VERSION_WITH_IDLE = 252
_TIMEOUT_MS = 30_000
_CHUNK = 1 << 16


class BusError(HostError):
    """An error that came as an answer; `name` is D-Bus's."""

    name = ""


def start_scope(unit: UnitPlan, pid: int, directory: str) -> None:
    """Start the scope with a process in it; returns when the process is in the cgroup `directory`.

    A failed unit of that name, whose container is gone, is forgotten first.  Raises HostError.
    """
    with _Connection(is_user=unit.is_user) as manager:
        properties = [*manager.understood(unit.properties), ("PIDs", ("au", [pid]))]
        body: tuple[object, ...] = (unit.name, "replace", properties, [])
        try:
            manager.job("StartTransientUnit", "ssa(sv)a(sa(sv))", body)
        except BusError as error:
            if error.name != _UNIT_EXISTS:
                raise
            manager.call("ResetFailedUnit", "s", (unit.name,))
            manager.job("StartTransientUnit", "ssa(sv)a(sa(sv))", body)
    if not os.path.isdir(directory):
        where = read_text(f"/proc/{pid}/cgroup").strip()
        raise HostError(f"systemd unit {unit.name}", f"its cgroup is not {directory} but {where}")


def stop(name: str, *, is_user: bool) -> None:
    """End a unit and forget it; fine when it is gone.  Raises HostError."""
    with _Connection(is_user=is_user) as manager:
        for job, method, types in ((True, "StopUnit", "ss"), (False, "ResetFailedUnit", "s")):
            body = (name, "replace")[: len(types)]
            try:
                manager.job(method, types, body) if job else manager.call(method, types, body)
            except BusError as error:
                if error.name != _NO_SUCH_UNIT:
                    raise
                return


def tell_limits(name: str, directory: str, settings: Iterable[Setting], *, is_user: bool) -> None:
    """Give systemd the limits that were just written to the files of its unit.  Raises HostError.

    directory: the cgroup, which shows what was written: the period of a quota that was changed alone, and
    which of two files the kernel has.
    """
    whole = [_as_written(setting, directory) for setting in settings]
    properties = resource_properties(whole)
    if properties:
        with _Connection(is_user=is_user) as manager:
            manager.call("SetUnitProperties", "sba(sv)", (name, True, manager.understood(properties)))


def tell_undecided(unit: UnitPlan, directory: str, settings: Iterable[Setting]) -> None:
    """Give systemd what shows in the cgroup only: which of two files there is, what a value came to."""
    undecided = [each for each in settings if each.otherwise is not None or is_the_kernels_to_read(each)]
    if undecided:
        tell_limits(unit.name, directory, undecided, is_user=unit.is_user)


def _as_written(setting: Setting, directory: str) -> Setting:
    written: Setting = setting
    if setting.file == "cpu.max" or is_the_kernels_to_read(setting):
        written = setting.replace(value=read_text(f"{directory}/{setting.file}").strip())
    elif setting.otherwise is not None:
        there = os.path.exists(f"{directory}/{setting.file}")
        written = setting.replace(otherwise=None) if there else setting.otherwise
    return written


class _Connection:
    """A connection to a manager; closed at the end of a `with` block."""

    def __init__(self, *, is_user: bool) -> None:
        """Describe it; `__enter__` connects."""
        self._who = "the user's systemd" if is_user else "systemd"
        self._is_user = is_user
        self._socket = -1
        self._serial = 0
        self._parser = Parser()
        self._removed: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Connect and greet.  Raises HostError."""
        is_bus = self._connect()
        try:
            self._authenticate()
            if is_bus:
                self._ask(_BUS, "Hello", "", ())
                self._ask(_BUS, "AddMatch", "s", (_JOB_REMOVED,))
            self.call("Subscribe", "", ())
        except BaseException:
            os.close(self._socket)
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Hang up."""
        os.close(self._socket)

    def call(self, method: str, signature: str, body: tuple[object, ...]) -> tuple[Any, ...]:
        """Call a method of the manager and return what it answers.  Raises BusError, HostError."""
        return self._ask(_MANAGER, method, signature, body)

    def understood(self, properties: Iterable[Property]) -> list[object]:
        """Return properties as a call takes them, without one that this systemd is too old for."""
        given = [(name, (type, value)) for name, type, value in properties]
        idle = ("CPUWeight", ("t", IDLE))
        if idle in given and self._version() < _VERSION_WITH_IDLE:
            given.remove(idle)
        return list(given)

    def _version(self) -> int:
        body = (_MANAGER.interface, "Version")
        address = DBusAddress(_MANAGER.object_path, _MANAGER.bus_name, "org.freedesktop.DBus.Properties")
        ((_, version),) = self._ask(address, "Get", "ss", body)
        digits = re.match(r"v?(\d+)", version)
        return int(digits[1]) if digits else 0

    def job(self, method: str, signature: str, body: tuple[object, ...]) -> None:
        """Call a method that answers with a job, and wait for the job's end.  Raises BusError, HostError."""
        (path,) = self.call(method, signature, body)
        while path not in self._removed:
            self._take(next(self._messages()))
        if self._removed[path] != "done":
            raise HostError(f"{self._who}: {method} {body[0]}", f"its job ended as {self._removed[path]!r}")

    def _connect(self) -> bool:
        """Connect to the bus, or else to the manager itself; returns whether it is a bus."""
        first: OSError | None = None
        for path, is_bus in _addresses(is_user=self._is_user):
            try:
                self._socket = connect_stream(path)
            except OSError as error:
                first = first or error
            else:
                return is_bus
        found = "no address" if first is None else symbol(first)
        raise HostError(
            f"{self._who} cannot be reached",
            found,
            "use --cgroup-manager cgroupfs where systemd does not run",
        )

    def _authenticate(self) -> None:
        """Say who is calling, as SASL's EXTERNAL has it: the uid that the other side sees, in hexadecimal.

        All in one message, as systemd's own programs do it: a systemd that finds BEGIN and a first call
        together in its buffer does not look at the call before more comes.
        """
        uid = str(_outer_uid()).encode().hex().encode()
        self._send(b"\0AUTH EXTERNAL " + uid + b"\r\nBEGIN\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            answer += self._receive()
        if not answer.startswith(b"OK "):
            raise HostError(f"{self._who} refuses this user", answer.decode(errors="replace").strip())

    def _ask(
        self, address: DBusAddress, method: str, signature: str, body: tuple[object, ...]
    ) -> tuple[Any, ...]:
        self._serial += 1
        message = new_method_call(address, method, signature or None, body)
        self._send(message.serialise(serial=self._serial))
        for answer in self._messages():
            if answer.header.fields.get(HeaderFields.reply_serial) != self._serial:
                self._take(answer)
                continue
            if answer.header.message_type == MessageType.error:
                name = answer.header.fields[HeaderFields.error_name]
                words = str(answer.body[0]) if answer.body else name
                error = BusError(f"{self._who}: {method}{f' {body[0]}' if body else ''}", words.rstrip("."))
                error.name = name
                raise error
            return tuple(answer.body)
        raise AssertionError("_messages ends by raising")

    def _take(self, message: Message) -> None:
        """Note a job's end: its number, path, unit and result."""
        if message.header.fields.get(HeaderFields.member) == "JobRemoved":
            _, path, _, result = message.body
            self._removed[path] = result

    def _messages(self) -> Iterator[Message]:
        while True:
            message = self._parser.get_next_message()
            while message is None:
                self._parser.add_data(self._receive())
                message = self._parser.get_next_message()
            yield message

    def _send(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._socket, data) :]
        except OSError as error:
            raise self._lost(error) from error

    def _receive(self) -> bytes:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(_TIMEOUT_MS):
            raise HostError(self._who, f"does not answer within {_TIMEOUT_MS // 1000} s")
        try:
            data = os.read(self._socket, _CHUNK)
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise HostError(self._who, "has ended the connection")
        return data

    def _lost(self, error: OSError) -> HostError:
        return HostError(f"{self._who}: the connection is lost", symbol(error))


def _addresses(*, is_user: bool) -> Iterator[tuple[str, bool]]:
    """Return the sockets to try, in order, each with whether a bus listens there."""
    if not is_user:
        yield _unix_path(os.getenv("DBUS_SYSTEM_BUS_ADDRESS")) or "/run/dbus/system_bus_socket", True
        yield "/run/systemd/private", False
        return
    given, own = _unix_path(os.getenv("DBUS_SESSION_BUS_ADDRESS")), os.getenv("XDG_RUNTIME_DIR")
    if given:
        yield given, True
    if own:
        yield f"{own}/bus", True
        yield f"{own}/systemd/private", False


def _unix_path(addresses: str) -> str:
    """Return the path in a list of D-Bus addresses, "" where none is a Unix socket with a path."""
    for address in addresses.split(";"):
        transport, _, options = address.partition(":")
        if transport == "unix":
            for option in options.split(","):
                key, _, value = option.partition("=")
                if key == "path":
                    return value
    return ""


def _outer_uid() -> int:
    """Return what the effective uid is in the first user namespace, as far as can be seen from here."""
    uid = os.geteuid()
    for line in read_text("/proc/self/uid_map").splitlines():
        inside, outside, count = map(int, line.split())
        if inside <= uid < inside + count:
            return outside + uid - inside
    return uid
