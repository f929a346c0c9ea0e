"""The interactive terminal of `krun run` and `krun exec --tty`, which relay it themselves.

Out of scope: handing a terminal's master over (test_console), the same through docker
(clients/test_docker_terminal).
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import terminal_cases
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S, wait_dead
from support.runner import Runner
from support.terminal import Terminal
from support.terminal_cases import ENV, SHELL

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

LOCAL_FLAGS = 3  # of what tcgetattr returns


@pytest.fixture(params=["run", "exec"])
def terminal(request: pytest.FixtureRequest, runner: Runner, bundle: MakeBundle) -> Iterator[Terminal]:
    """Return a person at a shell in a container, by either verb."""
    if request.param == "run":
        made = bundle(list(SHELL), terminal=True, env=ENV)
        command = runner.command("run", "--bundle", made, "c")
    else:
        runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
        command = runner.command("exec", "--tty", *(f"--env={entry}" for entry in ENV), "c", *SHELL)
    begun = Terminal(command)
    yield begun
    runner.ok("delete", "--force", "c")
    begun.close()


def test_a_shell_feels_as_at_any_terminal(terminal: Terminal) -> None:
    """Resizing, Ctrl-C, Ctrl-Z and fg, Ctrl-D."""
    terminal_cases.work_at_a_shell(terminal)


def test_ten_megabytes_are_pasted_in_and_out(terminal: Terminal) -> None:
    """Not a byte is lost, whoever is faster."""
    terminal_cases.paste(terminal)


def test_the_callers_terminal_is_given_back_as_it_was(terminal: Terminal) -> None:
    """It is raw in between: what is typed passes unchanged, and nothing is echoed twice."""
    terminal.expect(terminal_cases.PROMPT)
    assert not termios.tcgetattr(terminal.master)[LOCAL_FLAGS] & (
        termios.ECHO | termios.ICANON | termios.ISIG
    )
    terminal.type("exit\r")
    assert terminal.wait() == 0
    assert termios.tcgetattr(terminal.master) == terminal.mode


def words_of(verb: str, runner: Runner, bundle: MakeBundle, script: str, pid_file: Path) -> list[str]:
    """Return the command line by which a script runs at a terminal, by either verb."""
    words = ["sh", "-c", script]
    if verb == "run":
        made = bundle(words, terminal=True)
        return runner.command("run", "--pid-file", pid_file, "--bundle", made, "c")
    runner.ok("run", "--detach", "--bundle", bundle(["sleep", "600"]), "c")
    return runner.command("exec", "--tty", "--pid-file", pid_file, "c", *words)


@pytest.mark.parametrize("verb", ["run", "exec"])
def test_a_terminal_that_is_hung_up_is_the_processs_business(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, verb: str
) -> None:
    """Its window is closed: it gets SIGHUP, its status is krun's, and `run` deletes the container."""
    log = tmp_path / "log"
    script = "trap 'exit 4' HUP; sleep 600 & echo rea''dy; wait"
    command = words_of(verb, runner, bundle, script, tmp_path / "pid")
    begun = Terminal([command[0], "--log", str(log), *command[1:]])
    begun.expect("ready")
    begun.close()
    assert begun.process.wait(TIMEOUT_S) == 4
    assert log.read_text() == ""
    if verb == "exec":
        runner.ok("delete", "--force", "c")


@pytest.mark.parametrize("verb", ["run", "exec"])
def test_a_process_whose_output_nobody_takes_is_ended(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, verb: str
) -> None:
    """As in `krun run … | head`: krun cannot stand for it any longer, and leaves nobody who runs on."""
    script = "trap '' HUP; while :; do echo yes; done"
    command = words_of(verb, runner, bundle, script, tmp_path / "pid")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"yes\r\n"
        process.stdout.close()
        assert process.wait(TIMEOUT_S) == (1 if verb == "run" else 255)
    wait_dead(int((tmp_path / "pid").read_text()), 5)
    if verb == "exec":
        runner.ok("delete", "--force", "c")
    assert os.listdir(runner.root) == []


def test_a_reader_that_does_not_read_keeps_nobody_from_stopping_krun(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """As in `krun exec --tty … | less`: signals reach the process all the same."""
    command = words_of("exec", runner, bundle, "exec cat /dev/zero", tmp_path / "pid")
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writing)
    os.close(writing)
    select.select([reading], [], [])  # one piece of many is in it, and there is hardly room for another
    process.terminate()
    try:
        assert process.wait(10) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
        os.close(reading)
    runner.ok("delete", "--force", "c")


def test_who_goes_on_writing_keeps_krun_no_longer_than_the_process(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """A job that survived the hang-up has the terminal still, and fills it faster than it is read."""
    script = "trap '' HUP; cat /dev/zero & sleep 1; exit 3"
    command = words_of("exec", runner, bundle, script, tmp_path / "pid")
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=20, check=False
    )
    assert done.returncode == 3
    runner.ok("delete", "--force", "c")
