"""What the verbs' tests share; most of them run with and without a VM."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.diary import Diary
from support.gate import Gate
from support.processes import TIMEOUT_S
from support.runner import Runner

# Sends each argument to $NOTIFY_SOCKET, waits for the end of its input, and ends.
SAY = r"""
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *name = getenv("NOTIFY_SOCKET");
    char byte;
    int end = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (name == NULL || strlen(name) >= sizeof to.sun_path) {
        return 3;
    }
    strcpy(to.sun_path, name);
    for (int i = 1; i < argc; i++) {
        if (sendto(end, argv[i], strlen(argv[i]), 0, (struct sockaddr *)&to, sizeof to) < 0) {
            return 4;
        }
    }
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
}
"""


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program SAY."""
    folder = tmp_path_factory.mktemp("say")
    (folder / "say.c").write_text(SAY)
    command = ["gcc", "-static", "-O1", "-o", str(folder / "say"), str(folder / "say.c")]
    subprocess.run(command, check=True, timeout=TIMEOUT_S)
    return folder / "say"


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    """Return an empty diary of hooks."""
    return Diary(tmp_path)


@pytest.fixture
def runner(either_runtime: Runner) -> Runner:
    """Run with and without a VM: the verbs are the same."""
    return either_runtime


@pytest.fixture
def created(runner: Runner, bundle: MakeBundle) -> str:
    """Return the id of a created container whose process would sleep."""
    runner.ok("create", "--bundle", bundle(["sleep", "600"]), "c")
    return "c"


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Return a pipe to mount into a container."""
    return Gate(tmp_path)
