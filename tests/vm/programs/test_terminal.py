"""Job control on a terminal: what a person at a shell in a VM types has the effect it has everywhere."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "kvm"), pytest.mark.usefixtures("nothing_left")]


class Terminal:
    """A shell on a terminal, and the person who types."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        """Take the terminal's master and krun."""
        self.master, self.process, self.seen = master, process, b""

    def expect(self, text: str) -> str:
        """Read until `text` has come; returns everything up to its end."""
        wanted = text.encode()
        end = time.monotonic() + TIMEOUT_S
        while wanted not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.master, 65536)
        before, _, self.seen = self.seen.partition(wanted)
        return (before + wanted).decode()

    def type(self, text: str) -> None:
        """Type `text`."""
        os.write(self.master, text.encode())


@pytest.fixture
def terminal(program: MakeBundle, runtime: Runner) -> Iterator[Terminal]:
    """Return a bash on a terminal of 80 columns, in a VM, with its prompt printed."""
    made = program("bash", "--norc", "-i", name="tty", terminal=True)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = runtime.start(
        "run",
        "--bundle",
        os.fspath(made),
        "tty",
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    with process:
        shell = Terminal(master, process)
        shell.type("PS1='next> '; stty -echo; stty size\n")
        shell.expect("24 80")
        shell.expect("next> ")
        yield shell
        if process.poll() is None:
            runtime("delete", "--force", "tty")
    os.close(master)


def test_interrupt_ends_the_foreground_job(terminal: Terminal) -> None:
    """Ctrl-C ends what runs, and the shell goes on with status 130."""
    terminal.type("sh -c 'echo begun; exec sleep 100'\n")
    terminal.expect("begun")
    terminal.type("\x03")
    terminal.expect("next> ")
    terminal.type("echo status $?\n")
    terminal.expect("status 130")


def test_suspended_job_is_continued(terminal: Terminal) -> None:
    """Ctrl-Z stops a pipeline, `fg` brings it to the foreground again, and Ctrl-D ends its input."""
    terminal.type("sh -c 'echo begun >&2; exec cat' | sh -c 'echo begun >&2; exec tr a-z A-Z'\n")
    for _ in range(2):  # one that is not there yet would not be stopped
        terminal.expect("begun")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("next> ")
    terminal.type("fg\n")
    terminal.expect("tr a-z A-Z")
    terminal.type("typed\n\x04")
    terminal.expect("TYPED")
    terminal.expect("next> ")


def test_end_of_input_ends_the_shell(terminal: Terminal) -> None:
    """Ctrl-D at the prompt ends the shell with the last command's status."""
    terminal.type("(exit 9)\n")
    terminal.expect("next> ")
    terminal.type("\x04")
    assert terminal.process.wait(TIMEOUT_S) == 9


def test_quit_dumps_no_core_and_is_told(terminal: Terminal) -> None:
    """Ctrl-Backslash ends the foreground job by SIGQUIT."""
    terminal.type("sh -c 'echo begun; exec sleep 100'\n")
    terminal.expect("begun")
    terminal.type("\x1c")
    terminal.expect("next> ")
    terminal.type("echo status $?\n")
    terminal.expect("status 131")
