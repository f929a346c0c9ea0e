"""What krun passes on: descriptors, the pid file, and what a relayed terminal says."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from krun.errors import HostError, UsageError
from krun.execute.console import Relay, connect, console_pair, take_master
from krun.execute.inherited import listen_fds, preserved
from krun.execute.pid_file import write_pid_file
from krun.execute.processes import ending, exit_status
from krun.os import environ
from krun.sys.packets import send_descriptor


def test_a_descriptor_arrives() -> None:
    """The terminal's master, over a stream socket."""
    theirs, ours = console_pair()
    reading, writing = os.pipe()
    send_descriptor(theirs, writing, b"/dev/ptmx")
    master = take_master(ours)
    os.write(master, b"x")
    assert os.read(reading, 1) == b"x"
    assert not os.get_inheritable(master)
    for file in (theirs, ours, reading, writing, master):
        os.close(file)


def test_a_long_path_of_a_socket_is_connected_to(tmp_path: Path) -> None:
    """sun_path holds 108 bytes; shims' directories may be longer."""
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        place = os.open(folder, os.O_PATH)
        listener.bind(f"/proc/self/fd/{place}/s")
        os.close(place)
        listener.listen()
        os.close(connect("console socket", str(folder / "s")))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _path: None, "it is not there"),
        (lambda path: path.touch(), "nobody listens on it"),
    ],
)
def test_a_socket_that_cannot_be_reached_is_named(tmp_path: Path, make: object, words: str) -> None:
    """In krun's own words."""
    path = tmp_path / "s"
    make(path)  # type: ignore[operator]
    with pytest.raises(HostError) as caught:
        connect("console socket", str(path))
    assert str(caught.value) == f"console socket {path}: {words}"


def test_the_pid_file_replaces_an_old_one(tmp_path: Path) -> None:
    """As a whole: a reader never sees half of it."""
    (tmp_path / "pid").write_text("123456789")
    write_pid_file(str(tmp_path / "pid"), 42)
    assert (tmp_path / "pid").read_text() == "42"
    assert os.listdir(tmp_path) == ["pid"]


def test_descriptors_of_krun_itself_are_not_handed_out() -> None:
    """They are close-on-exec, as everything that Python opens; the caller's cannot be."""
    own = os.open("/dev/null", os.O_RDONLY)
    with pytest.raises(UsageError, match=r"--preserve-fds: descriptor \d+ is not open"):
        preserved(own - 2)
    os.close(own)
    assert preserved(0) == ()


def test_sockets_are_for_the_named_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """sd_listen_fds(3): LISTEN_PID has to be this process; 1 is podman's word for the payload."""
    monkeypatch.setitem(environ, b"LISTEN_FDS", b"2")
    monkeypatch.setitem(environ, b"LISTEN_FDNAMES", b"a:b")
    for pid in (os.getpid(), 1):
        monkeypatch.setitem(environ, b"LISTEN_PID", str(pid).encode())
        assert listen_fds() == (2, "a:b")
    monkeypatch.setitem(environ, b"LISTEN_PID", b"2")
    assert listen_fds() == (0, "")
    monkeypatch.delitem(environ, b"LISTEN_PID")
    assert listen_fds() == (2, "a:b")


def test_the_ways_of_ending_have_words() -> None:
    """And the status that a shell would have."""
    assert (ending(9), exit_status(9)) == ("was killed by SIGKILL", 137)
    assert (ending(3 << 8), exit_status(3 << 8)) == ("exited with status 3", 3)


def test_the_relay_copies_what_a_terminal_holds_at_its_end(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What the payload printed last is not lost."""
    master, slave = os.openpty()
    relay = Relay(master)
    os.write(slave, b"last words")
    os.close(slave)
    relay.drain()
    relay.close()
    assert capfdbinary.readouterr().out == b"last words"
