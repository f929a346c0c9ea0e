"""Seccomp in the monitor is the kernel's: a scene has to look the same on both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

SCENES = (
    "errnos", "emulated", "trap", "trap-unhandled", "kill-process", "kill-thread", "kill-thread-of-two",
    "arguments", "faults", "inherit", "strict", "strict-broken", "all-threads",
)  # fmt: skip

pytestmark = [pytest.mark.needs("root", "kvm", "gcc", "busybox"), pytest.mark.usefixtures("nothing_left")]


@pytest.mark.parametrize("scene", SCENES)
def test_own_filters_act_as_on_a_kernel(
    runtime: Runner,
    plain_runtime: Runner,
    bundle: MakeBundle,
    static: Callable[[str], Path],
    scene: str,
) -> None:
    """Filters that the payload adds act on its calls, emulated ones too, in the kernel's order of actions."""
    made = bundle(["/seccomp", scene])
    made.add_program("seccomp", static("seccomp"))
    made.config["process"]["noNewPrivileges"] = False
    made.write()
    native = plain_runtime("run", "--bundle", str(made), "native")
    in_vm = runtime("run", "--bundle", str(made), "vm")
    assert (in_vm.out, in_vm.status) == (native.out, native.status)
    assert native.status != 99, "the scene is unknown"


PROFILES: dict[str, dict[str, Any]] = {
    "errno": {"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 123},
    "emulated": {"names": ["clone", "uname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 55},
    "trap": {"names": ["getppid"], "action": "SCMP_ACT_TRAP"},
    "kill": {"names": ["getppid"], "action": "SCMP_ACT_KILL_PROCESS"},
    "argument": {
        "names": ["lseek"],
        "action": "SCMP_ACT_ERRNO",
        "errnoRet": 44,
        "args": [{"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}],
    },
}


@pytest.mark.parametrize("name", PROFILES)
def test_the_containers_profile_acts_as_on_a_kernel(
    runtime: Runner,
    plain_runtime: Runner,
    bundle: MakeBundle,
    static: Callable[[str], Path],
    name: str,
) -> None:
    """The container's profile speaks about the payload's calls, by number and argument, emulated or not."""
    made = bundle(["/seccomp", "calls"])
    made.add_program("seccomp", static("seccomp"))
    made.config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [PROFILES[name]],
    }
    made.write()
    native = plain_runtime("run", "--bundle", str(made), "native")
    in_vm = runtime("run", "--bundle", str(made), "vm")
    assert (in_vm.out, in_vm.status) == (native.out, native.status)
    assert native.status != 99, "the scene is unknown"
