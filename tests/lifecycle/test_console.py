"""Terminals: `--console-socket`, and krun's own relay."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import wait_dead
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_the_master_arrives_over_the_console_socket(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """One message with the master in it; what the payload writes can be read there.

    config.md#process: it has the configured size.  config-linux.md#default-devices: it is /dev/console, too.
    """
    path = tmp_path / "console"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        script = "tty; stty size; [ /dev/console -ef /dev/pts/0 ] && echo console"
        made = bundle(["sh", "-c", script], terminal=True)
        made.config["process"]["consoleSize"] = {"height": 33, "width": 77}
        made.write()
        runner.ok("create", "--bundle", made, "--console-socket", path, "c")
        with listener.accept()[0] as connection:
            _, (master, *others), _, _ = socket.recv_fds(connection, 4096, 2)
    assert others == []
    pid = runner.state("c")["pid"]
    runner.ok("start", "c")
    wait_dead(pid)
    with os.fdopen(master, "rb", buffering=0) as terminal:
        assert terminal.read(4096).split() == [b"/dev/pts/0", b"33", b"77", b"console"]
    runner.ok("delete", "c")


def test_a_console_socket_that_is_not_there_is_named(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """Not in words that dockerd takes for the payload's."""
    path = tmp_path / "nowhere"
    made = bundle(["true"], terminal=True)
    line = runner.refused("create", "--bundle", made, "--console-socket", path, "c")
    assert line == f"krun: console socket {path}: it is not there"


def test_a_terminal_without_a_console_socket_is_refused(runner: Runner, bundle: MakeBundle) -> None:
    """`create` returns at once, so somebody else has to take the terminal."""
    line = runner.refused("create", "--bundle", bundle(["true"], terminal=True), "c")
    assert "console socket" in line


def test_run_relays_the_terminal(runner: Runner, bundle: MakeBundle) -> None:
    """What is typed arrives, and what is printed comes back."""
    made = bundle(["sh", "-c", "tty; read line; echo got $line; exit 3"], terminal=True)
    result = runner("run", "--bundle", made, "c", stdin=b"hello\n")
    assert result.status == 3
    # The terminal's echo of what was typed stands wherever it came.
    assert sorted(result.out.split()) == ["/dev/pts/0", "got", "hello", "hello"]
