"""A `create` that fails leaves nothing; one that is killed leaves at most what `delete --force` removes.

Failures come without any hook in the product: by a plan in which one operation is replaced by an impossible
one, and by strace, which makes a system call fail or kills krun at it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import leftovers
from support.bundles import Bundle, MakeBundle
from support.processes import TIMEOUT_S, wait_dead
from support.runner import Runner

from krun.commands import creation
from krun.commands.options import Arguments, Context
from krun.errors import StageError
from krun.execute.run import Created
from krun.log import Log
from krun.plan import ops
from krun.sys.packets import stream_pair

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


# setrlimit(2) refuses a soft limit above the hard one, in whatever process and namespace.
IMPOSSIBLE = ops.Rlimit(resource=7, soft=2, hard=1)


def everything(config: dict[str, Any]) -> None:
    """Ask for something of every kind, so that the plan has many operations."""
    process, linux = config["process"], config["linux"]
    process["oomScoreAdj"] = 500
    process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 512}]
    process["user"]["umask"] = 0o27
    linux["namespaces"] += [{"type": "user"}, {"type": "cgroup"}, {"type": "time"}]
    linux["timeOffsets"] = {"boottime": {"secs": 100, "nanosecs": 0}}
    linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 65536}]
    linux["sysctl"] = {"kernel.msgmax": "8192"}
    linux["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 100}}
    linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO"}],
    }
    hook = {"path": "/bin/true", "args": ["true"]}
    config["hooks"] = {point: [hook] for point in ("prestart", "createRuntime", "createContainer")}
    config["root"]["readonly"] = True


def other_things(config: dict[str, Any]) -> None:
    """Ask for what cannot be had together with all that: a terminal, devices, a namespace that is joined."""
    config["process"]["terminal"] = True
    device = {"path": "/dev/full-too", "type": "c", "major": 1, "minor": 7, "fileMode": 0o666}
    config["linux"]["devices"] = [device]
    for namespace in config["linux"]["namespaces"]:
        if namespace["type"] == "network":
            namespace["path"] = "/proc/self/ns/net"


class Creator:
    """`create` in this process, up to the point where its plan can be changed."""

    def __init__(self, root: Path, monitor: str) -> None:
        """Use --root `root` and --monitor `monitor`."""
        self.context = Context(root=str(root), log=Log(), out=lambda _text: None, monitor=monitor)

    def request(self, bundle: Bundle) -> creation.Request:
        """Compile the plan of a bundle."""
        words = {"container-id": ("c",), "bundle": (str(bundle),), "config": ("config.json",)}
        return creation.read_request(Arguments(words), self.context, can_relay=True)

    def make(self, request: creation.Request) -> int:
        """Carry it out; return the pid of the container's init, which is a child of this process."""
        made: list[int] = []

        def finish(created: Created, _held: object) -> None:
            os.close(created.pidfd)
            made.append(created.container.pid)

        read_end, write_end = os.pipe()
        console, master_end = stream_pair()
        try:
            creation.make_container(request, self.context, console, read_end, finish)
        finally:
            for file in (read_end, write_end, console, master_end):
                os.close(file)
        return made[0]


@pytest.mark.parametrize("monitor", ["none", pytest.param("builtin", marks=pytest.mark.needs("kvm"))])
@pytest.mark.parametrize("change", [everything, other_things])
def test_a_create_that_fails_at_any_operation_leaves_nothing(
    krun_root: Path,
    bundle: MakeBundle,
    tmp_path: Path,
    cgroup_name: str,
    monitor: str,
    change: Callable[[dict[str, Any]], None],
) -> None:
    """Each operation of a plan fails once: the error names it, and nothing is left."""
    creator = Creator(krun_root, monitor)
    request = creator.request(bundle(["true"], change=change))
    program = request.plan.program
    # The barrier is where `create` ends; a monitor waits at it itself.
    ends = [index for index, op in enumerate(program) if isinstance(op, ops.Barrier | ops.ExecuteMonitor)]
    assert ends[0] > 40
    for index in range(ends[0] + 1):
        broken = (*program[:index], IMPOSSIBLE, *program[index + 1 :])
        with pytest.raises(StageError) as caught:
            creator.make(request.replace(plan=request.plan.replace(program=broken)))
        assert caught.value.index == index
        assert not caught.value.undoing
        assert leftovers.find(tmp_path, krun_root, cgroup_name) == [], f"operation {index}: {program[index]}"


def test_a_failing_execution_is_the_error_of_start(
    krun_root: Path, bundle: MakeBundle, plain_runtime: Runner
) -> None:
    """What fails behind the barrier is the error of `start`; the container has stopped then."""
    creator = Creator(krun_root, "none")
    request = creator.request(bundle(["true"]))
    program = (*request.plan.program[:-1], IMPOSSIBLE, request.plan.program[-1])
    pid = creator.make(request.replace(plan=request.plan.replace(program=program)))
    assert "set RLIMIT_NOFILE" in plain_runtime.refused("start", "c")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert plain_runtime.state("c")["status"] == "stopped"
    plain_runtime.ok("delete", "c")


# -- system calls ------------------------------------------------------------------------------------


# What krun and krun-init change the world by, and which call of each is to fail, the first unless said.
# (Of the two private procfs, krun-init can do without the second, its own.)
VITAL = """
    mknodat rename flock pidfd_open memfd_create socketpair unshare fsopen fsopen:3 fsconfig fsconfig:5
    fsmount fsmount:3 move_mount open_tree mount_setattr openat2 pivot_root umount2 sethostname
    setgroups setresuid setresgid capset setsid
""".split()


def strace(runner: Runner, folder: Path, bundle: Bundle, *options: str) -> tuple[int, str, str]:
    """Run `create` under strace; return its status (or minus the signal), what it said, and the trace.

    -D: krun is the child, and the tracer stays for what krun leaves behind.
    """
    trace, err = folder / "trace", folder / "err"
    command = ["strace", "-D", "-qq", "-o", str(trace), *options]
    with err.open("wb") as err_file:
        done = subprocess.run(
            [*command, *runner.command("create", "--bundle", bundle, "c")],
            stdin=subprocess.DEVNULL,
            stdout=err_file,
            stderr=err_file,
            timeout=TIMEOUT_S,
            check=False,
        )
    return done.returncode, err.read_text(errors="replace"), trace.read_text(errors="replace")


@pytest.mark.needs("strace")
@pytest.mark.parametrize("call", VITAL)
def test_a_create_in_which_a_system_call_fails_leaves_nothing(
    plain_runtime: Runner,
    bundle: MakeBundle,
    tmp_path: Path,
    krun_root: Path,
    cgroup_name: str,
    call: str,
) -> None:
    """A call of each kind fails, in krun or in krun-init: one line of error, and nothing is left."""
    name, _, number = call.partition(":")
    inject = ("-f", "-e", f"trace={name}", "-e", f"inject={name}:error=ENOSPC:when={number or 1}")
    status, said, trace = strace(plain_runtime, tmp_path, bundle(["true"], readonly=True), *inject)
    assert "(INJECTED)" in trace, f"{call} is not called"
    assert status == 1, said
    assert said.count("\n") == 1, said
    assert leftovers.find(tmp_path, krun_root, cgroup_name) == []


# Calls that krun-init makes and krun does not, from its first to those right before the barrier.
INITS = """
    unshare setsid fsopen:2 fsmount:2 move_mount open_tree mount_setattr pivot_root umount2 sethostname chdir
    setgroups setresuid setresgid capset
""".split()


@pytest.mark.needs("strace")
@pytest.mark.parametrize("call", INITS)
def test_a_create_whose_init_is_killed_leaves_nothing(
    plain_runtime: Runner,
    bundle: MakeBundle,
    tmp_path: Path,
    krun_root: Path,
    cgroup_name: str,
    call: str,
) -> None:
    """krun-init dies at a call of its own, as when memory runs out: one line says so, and nothing is left."""
    name, _, number = call.partition(":")
    inject = ("-f", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number or 1}")
    status, said, _ = strace(plain_runtime, tmp_path, bundle(["true"], readonly=True), *inject)
    assert status == 1, said
    assert said.endswith("was killed by SIGKILL before the container was created\n")
    assert said.count("\n") == 1, said
    assert leftovers.find(tmp_path, krun_root, cgroup_name) == []


# Calls that change nothing outside of krun: a death at the next one is the same.
HARMLESS = frozenset(
    "brk close fstat getdents64 lseek lstat mmap mprotect munmap newfstatat read stat".split()
)


def calls_of_create(trace: str) -> Iterator[tuple[str, int]]:
    """Yield krun's system calls from the making of the state's directory on: name, and which of that name."""
    counts: Counter[str] = Counter()
    for line in trace.splitlines():
        found = re.match(r"(\w+)\(", line)
        if found is not None:
            counts[found[1]] += 1
            if counts["mkdir"] and found[1] not in HARMLESS:
                yield found[1], counts[found[1]]


@pytest.mark.needs("strace")
def test_a_create_that_is_killed_at_any_system_call_is_removed_by_force(
    runner: Runner, krun_root: Path, bundle: MakeBundle, tmp_path: Path, cgroup_name: str
) -> None:
    """SIGKILL at each system call of krun's, one after the other: `delete --force` removes what is left."""
    model = bundle(["true"])
    status, said, trace = strace(runner, tmp_path, model)
    assert status == 0, said
    runner.ok("delete", "--force", "c")
    killed = 0
    calls = list(calls_of_create(trace))
    # The last message to init is what makes it stay; at that call it has not been sent yet.
    committing = max(place for place, (name, _) in enumerate(calls) if name == "sendto")
    for place, (name, number) in enumerate(calls):
        inject = ("-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")
        status, _, _ = strace(runner, tmp_path, model, *inject)
        killed += status == -signal.SIGKILL
        if place <= committing:
            # Nobody is left who would hold the caller's pipes open until somebody deletes the container.
            for pid in leftovers.processes_of(tmp_path, cgroup_name):
                wait_dead(pid)
        runner.ok("delete", "--force", "c")
        assert leftovers.find(tmp_path, krun_root, cgroup_name) == [], f"killed at {name} {number}"
    assert killed > 50
