"""A systemd that is the first process, asked by systemctl, with buses and users' managers that it starts.

Debian's own units for them want what a whole boot brings (PAM, logind, targets), so these are of our own.
Out of scope: the kernel that it runs in (conformance/machines).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from support.client import Answer

ROOT = Path("/sys/fs/cgroup")
UNITS = Path("/run/systemd/system")
USERS_UNITS = Path("/run/systemd/user")
TIMEOUT_S = 120.0
SOCKET = """\
[Unit]
DefaultDependencies=no
[Socket]
ListenStream={address}
"""
BUS = """\
[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --{kind} --address=systemd: --nofork --nopidfile --systemd-activation
"""
USERS_MANAGER = """\
[Unit]
DefaultDependencies=no
[Service]
Type=notify
User=%i
Slice=user-%i.slice
Delegate=yes
Environment=XDG_RUNTIME_DIR=/run/user/%i HOME=/run/user/%i
ExecStart=/lib/systemd/systemd --user --unit={unit} --log-target=console
"""


def systemctl(*words: str) -> str:
    """Run systemctl, which has to succeed; returns what it prints."""
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=True).stdout


def show(unit: str, *properties: str) -> dict[str, str]:
    """Return properties of a unit as systemd says them."""
    words = [word for name in properties for word in ("--property", name)]
    return dict(line.split("=", 1) for line in systemctl("show", unit, *words).splitlines())


def units() -> set[str]:
    """Return the names of all units that systemd has in memory."""
    listed = systemctl("list-units", "--all", "--plain", "--no-legend")
    return {line.split()[0] for line in listed.splitlines()}


@contextlib.contextmanager
def system_bus() -> Iterator[None]:
    """Start the system's bus, with systemd on it; stop it at the end."""
    (UNITS / "dbus.socket").write_text(SOCKET.format(address="/run/dbus/system_bus_socket"))
    (UNITS / "dbus.service").write_text(BUS.format(kind="system"))
    systemctl("daemon-reload")
    systemctl("start", "dbus.service")
    try:
        yield
    finally:
        systemctl("stop", "dbus.service", "dbus.socket")
        Path("/run/dbus/system_bus_socket").unlink(missing_ok=True)


AsUser = Callable[..., Answer]
"""Runs words as the user, in a cgroup of their manager's, as in a login session: (*words, stdin)."""


@contextlib.contextmanager
def users_manager(uid: int, variables: Mapping[str, str], *, bus: bool = False) -> Iterator[AsUser]:
    """Start a user's own systemd, with a session bus on demand; returns what runs something as that user."""
    run = Path(f"/run/user/{uid}")
    run.mkdir(parents=True)
    os.chown(run, uid, uid)
    unit = f"user@{uid}.service"
    (UNITS / "user@.service").write_text(USERS_MANAGER.format(unit="dbus.service" if bus else "basic.target"))
    env = {**os.environ, "XDG_RUNTIME_DIR": str(run), "HOME": str(run), **variables}
    if bus:
        USERS_UNITS.mkdir(exist_ok=True)
        (USERS_UNITS / "dbus.socket").write_text(SOCKET.format(address="%t/bus"))
        (USERS_UNITS / "dbus.service").write_text(BUS.format(kind="session"))
        env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={run}/bus"
    systemctl("daemon-reload")
    systemctl("start", unit)
    # The manager may only move what is in its own part of the tree: a login session begins there.
    session = ROOT / f"user.slice/user-{uid}.slice" / unit / "session"
    session.mkdir()
    for path in (session, session / "cgroup.procs"):
        os.chown(path, uid, uid)
    script = f'echo $$ >{session}/cgroup.procs; cd {run}; exec "$@"'
    drop = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]

    def call(*words: str, stdin: bytes = b"") -> Answer:
        command = ["sh", "-c", script, "sh", *drop, *words]
        return Answer(
            subprocess.run(command, env=env, input=stdin, capture_output=True, check=False, timeout=TIMEOUT_S)
        )

    try:
        yield call
    finally:
        systemctl("stop", unit)
        shutil.rmtree(run)
