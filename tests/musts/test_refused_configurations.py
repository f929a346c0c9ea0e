"""Sentences about values that a configuration must not have: `create` refuses each, and nothing is made.

Out of scope: each rule by itself (unit/spec/test_rules); what is refused for the host's sake.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

HOOK = {"path": "/bin/true"}
SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW"}
KILLING = {"names": ["getcwd"], "action": "SCMP_ACT_KILL", "errnoRet": 1}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a namespace twice": (
        "$.linux.namespaces",
        {"hostname": "", "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "pid"}]}},
    ),
    "a relative path of a namespace": (
        "$.linux.namespaces[1].path",
        {"linux": {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "proc/self/ns/uts"}]}},
    ),
    "a relative path of a hook": (
        "$.hooks.prestart[0].path",
        {"hooks": {"prestart": [{"path": "bin/true"}]}},
    ),
    "a hook without time": ("$.hooks.poststop[0].timeout", {"hooks": {"poststop": [{**HOOK, "timeout": 0}]}}),
    "a hook with less": ("$.hooks.poststart[0].timeout", {"hooks": {"poststart": [{**HOOK, "timeout": -1}]}}),
    "an annotation without a key": ("$.annotations", {"annotations": {"": "x"}}),
    "an annotation that is no text": ("$.annotations.x", {"annotations": {"x": 1}}),
    "a relative masked path": ("$.linux.maskedPaths[0]", {"linux": {"maskedPaths": ["proc/kcore"]}}),
    "a relative read-only path": ("$.linux.readonlyPaths[0]", {"linux": {"readonlyPaths": ["proc/sys"]}}),
    "no names for seccomp": (
        "$.linux.seccomp.syscalls[0].names",
        {"linux": {"seccomp": {**SECCOMP, "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}]}}},
    ),
    "a number for an action that returns none": (
        "$.linux.seccomp.syscalls[0].errnoRet",
        {"linux": {"seccomp": {**SECCOMP, "syscalls": [KILLING]}}},
    ),
    "a number for a default that returns none": (
        "$.linux.seccomp.defaultErrnoRet",
        {"linux": {"seccomp": {**SECCOMP, "defaultErrnoRet": 1}}},
    ),
    "an unknown flag of seccomp": (
        "$.linux.seccomp.flags[0]",
        {"linux": {"seccomp": {**SECCOMP, "flags": ["SECCOMP_FILTER_FLAG_NOSUCH"]}}},
    ),
    "metadata without a listener": (
        "$.linux.seccomp.listenerMetadata",
        {"linux": {"seccomp": {**SECCOMP, "listenerMetadata": "x"}}},
    ),
    "rdma without a limit": (
        "$.linux.resources.rdma.mlx5_1",
        {"linux": {"resources": {"rdma": {"mlx5_1": {}}}}},
    ),
    "a weighted device without a weight": (
        "$.linux.resources.blockIO.weightDevice[0]",
        {"linux": {"resources": {"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}}}},
    ),
    "a network device without its namespace": (
        "$.linux.netDevices",
        {"hostname": "", "linux": {"netDevices": {"eth9": {}}, "namespaces": [{"type": "mount"}]}},
    ),
    "a host name without its namespace": (
        "$.hostname",
        {"hostname": "medlar", "linux": {"namespaces": [{"type": "mount"}]}},
    ),
    "a personality's flags": (
        "$.linux.personality.flags",
        {"linux": {"personality": {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}}},
    ),
    "a path of the cgroup that climbs": ("$.linux.cgroupsPath", {"linux": {"cgroupsPath": "/a/../../b"}}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_value_that_must_not_be_is_an_error(plain_runtime: Runner, bundle: MakeBundle, fault: str) -> None:
    """config.md#valid-values: the property is named, and neither container nor hook comes of it."""
    path, changes = FAULTS[fault]

    def change(config: dict[str, Any]) -> None:
        for name, value in changes.items():
            if isinstance(value, dict) and name == "linux":
                config["linux"].update(value)
            else:
                config[name] = value

    line = plain_runtime.refused("create", "--bundle", bundle(["true"], change=change), "c")
    assert line.startswith(f"krun: {path}"), line
