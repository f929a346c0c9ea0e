"""`docker run -it` and `docker exec -it`: the client, the shim and krun between a person and the shell.

Each test runs with runc, too, which proves the test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import terminal_cases
from support.docker import IMAGE, Docker
from support.terminal import Terminal

NAME = "terminal"


@pytest.fixture(params=["run", "exec"])
def terminal(request: pytest.FixtureRequest, docker: Docker) -> Iterator[Terminal]:
    """Return a person at a shell in a container, by either verb."""
    options = ["--interactive", "--tty", *(f"--env={entry}" for entry in terminal_cases.ENV)]
    if request.param == "run":
        words = docker.words(*options, "--name", NAME, IMAGE, *terminal_cases.SHELL)
    else:
        docker.ok(*docker.words("--detach", "--name", NAME, IMAGE, "sleep", "600"))
        words = ["exec", *options, NAME, *terminal_cases.SHELL]
    begun = Terminal(docker.bed.docker_command(*words))
    yield begun
    docker.ok("rm", "--force", NAME)
    begun.close()


def test_a_shell_feels_as_at_any_terminal(terminal: Terminal) -> None:
    """Resizing, Ctrl-C, Ctrl-Z and fg, Ctrl-D."""
    terminal_cases.work_at_a_shell(terminal)


def test_ten_megabytes_are_pasted_in_and_out(terminal: Terminal) -> None:
    """Not a byte is lost, whoever is faster."""
    terminal_cases.paste(terminal)
