"""The interactive terminal of `krun run` and `krun exec --tty`, which relay it themselves.

Out of scope: handing a terminal's master over (test_console), the same through docker
(clients/test_docker_terminal).
"""

from __future__ import annotations

import termios
from collections.abc import Iterator

import pytest
from support import terminal_cases
from support.bundles import MakeBundle
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
