"""The runtime's answers to krun-init while a process joins a container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from krun.errors import HostError, KrunError
from krun.execute.exec import Execution
from krun.log import Log
from krun.plan.exec import ExecPlan
from krun.state.model import Container

PLAN = ExecPlan(program=(), terminal=False, needs_kvm=False, listener="", initial_cpus=(), warnings=())
CONTAINER = Container(
    id="c", bundle="/b", rootfs="/b/r", oci_version="1.3.0", created="", owner_uid=0, monitor="none", pid=1
)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that reads its standard input."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as started:
        yield started


def test_a_process_is_adopted_while_init_lives(process: subprocess.Popen[bytes]) -> None:
    """Its pid and a pidfd of it are known from then on."""
    init = os.pidfd_open(os.getpid())
    execution = Execution(PLAN, CONTAINER, init, Log(), {})
    execution.adopt(process.pid)
    assert execution.pid == process.pid
    os.close(execution.pidfd)
    os.close(init)


def test_no_process_joins_what_has_taken_inits_place(process: subprocess.Popen[bytes]) -> None:
    """Init's pid may be another's by the time its namespaces are opened: its pidfd tells."""
    init = os.pidfd_open(process.pid)
    process.communicate()
    execution = Execution(PLAN, CONTAINER, init, Log(), {})
    with pytest.raises(HostError, match="ended while it was joined"):
        execution.adopt(os.getpid())
    os.close(execution.pidfd)
    os.close(init)


def test_what_belongs_to_the_making_of_a_container_is_refused() -> None:
    """No plan for a process asks for id maps or hooks; a krun-init that does is not obeyed."""
    execution = Execution(PLAN, CONTAINER, -1, Log(), {})
    with pytest.raises(KrunError, match="asked for id maps"):
        execution.map_ids(1)
    with pytest.raises(KrunError, match="asked for the prestart hooks"):
        execution.run_hooks("prestart")
