"""The rules that need several properties, each under the sentence that asks for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from krun.errors import SpecError
from krun.spec.load import load, load_process, load_resources

NEW = [{"type": name} for name in ("pid", "network", "mount", "ipc", "uts", "time")]
PROCESS: dict[str, Any] = {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "cwd": "/"}


def faults(linux: dict[str, Any], **config: Any) -> list[str]:
    """Return the faults of a configuration with this `linux` section."""
    document = {"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "linux": linux, **config}
    try:
        load(json.dumps(document).encode())
    except SpecError as error:
        return [str(fault) for fault in error.faults]
    return []


def process_faults(**process: Any) -> list[str]:
    """Return the faults of a process with these properties."""
    try:
        load_process(json.dumps({**PROCESS, **process}).encode())
    except SpecError as error:
        return [str(fault) for fault in error.faults]
    return []


def resources_faults(**resources: Any) -> list[str]:
    """Return the faults of resources with these properties."""
    try:
        load_resources(json.dumps(resources).encode())
    except SpecError as error:
        return [str(fault) for fault in error.faults]
    return []


def without(*types: str) -> list[dict[str, str]]:
    """Return the usual namespaces without some."""
    return [namespace for namespace in NEW if namespace["type"] not in types]


# -- namespaces and names ------------------------------------------------------------------------------------


def test_duplicated_namespaces_are_refused() -> None:
    """If `namespaces` contains duplicated namespaces with same `type`, the runtime MUST generate an error."""
    twice = [*NEW, {"type": "pid", "path": "/proc/1/ns/pid"}]
    assert faults({"namespaces": twice}) == ["$.linux.namespaces[6].type: repeats pid of namespaces[0]"]


def test_relative_namespace_paths_are_refused() -> None:
    """The namespace's path MUST be an absolute path."""
    namespaces = [{"type": "pid", "path": "proc/1/ns/pid"}]
    assert faults({"namespaces": namespaces}) == [
        "$.linux.namespaces[0].path: must be absolute, got 'proc/1/ns/pid'"
    ]


def test_unknown_namespaces_are_refused() -> None:
    """Runtimes MUST generate an error when invalid or unsupported values are encountered."""
    (fault,) = faults({"namespaces": [{"type": "network2"}]})
    assert fault.startswith("$.linux.namespaces[0].type: must be one of pid, network, ")


@pytest.mark.parametrize("name", ["hostname", "domainname"])
def test_hostname_without_uts_namespace_is_refused(name: str) -> None:
    """Without a uts namespace the name would become the host's."""
    assert faults({"namespaces": without("uts")}, **{name: "box"}) == [f"$.{name}: needs a uts namespace"]
    joined = [*without("uts"), {"type": "uts", "path": "/proc/1/ns/uts"}]
    assert faults({"namespaces": joined}, **{name: "box"}) == []
    assert faults({"namespaces": without("uts")}, **{name: ""}) == []


def test_masked_paths_without_mount_namespace_are_refused() -> None:
    """Masking without a mount namespace would mask the host."""
    linux = {"namespaces": without("mount"), "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"]}
    assert faults(linux) == [
        "$.linux.maskedPaths: needs a mount namespace",
        "$.linux.readonlyPaths: needs a mount namespace",
    ]
    assert faults({**linux, "namespaces": NEW}) == []


@pytest.mark.parametrize("name", ["maskedPaths", "readonlyPaths"])
def test_relative_covered_paths_are_refused(name: str) -> None:
    """The values MUST be absolute paths in the container namespace."""
    assert faults({"namespaces": NEW, name: ["proc/kcore"]}) == [
        f"$.linux.{name}[0]: must be absolute, got 'proc/kcore'"
    ]


def test_time_offsets_need_a_new_time_namespace() -> None:
    """Offsets can be set only before the first process enters the namespace."""
    offsets = {"timeOffsets": {"monotonic": {"secs": 1}}}
    joined = [*without("time"), {"type": "time", "path": "/proc/1/ns/time"}]
    expected = ["$.linux.timeOffsets: needs a new time namespace"]
    assert faults({"namespaces": without("time"), **offsets}) == expected
    assert faults({"namespaces": joined, **offsets}) == expected
    assert faults({"namespaces": NEW, **offsets}) == []


def test_unknown_clocks_are_refused() -> None:
    """Only the monotonic and the boot time clocks have offsets (time_namespaces(7))."""
    assert faults({"namespaces": NEW, "timeOffsets": {"realtime": {}}}) == [
        "$.linux.timeOffsets.realtime: must be one of monotonic, boottime, got 'realtime'"
    ]


# -- id mappings ---------------------------------------------------------------------------------------------

MAPPING = {"containerID": 0, "hostID": 100000, "size": 65536}


def test_mappings_without_user_namespace_are_refused() -> None:
    """Mappings that nothing would apply are an error, not ignored."""
    assert faults({"namespaces": NEW, "uidMappings": [MAPPING], "gidMappings": [MAPPING]}) == [
        "$.linux.uidMappings: needs a user namespace",
        "$.linux.gidMappings: needs a user namespace",
    ]


def test_a_new_user_namespace_needs_both_mappings() -> None:
    """Without a mapping nobody could be root in it."""
    linux = {"namespaces": [*NEW, {"type": "user"}], "uidMappings": [MAPPING]}
    assert faults(linux) == ["$.linux.gidMappings: is missing, but the container has a new user namespace"]
    assert faults({**linux, "gidMappings": [MAPPING]}) == []


def test_a_joined_user_namespace_needs_no_mappings() -> None:
    """It has its own; clients may repeat them."""
    joined = {"namespaces": [*NEW, {"type": "user", "path": "/proc/1/ns/user"}]}
    assert faults(joined) == []
    assert faults({**joined, "uidMappings": [MAPPING], "gidMappings": [MAPPING]}) == []


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"containerID": 65535, "hostID": 0, "size": 1}, ["[1].containerID: overlaps with uidMappings[0]"]),
        ({"containerID": 65536, "hostID": 99999, "size": 2}, ["[1].hostID: overlaps with uidMappings[0]"]),
        ({"containerID": 65536, "hostID": 165536, "size": 1}, []),
        (
            {"containerID": 70000, "hostID": 4294967294, "size": 3},
            ["[1].size: reaches beyond the last hostID, got 3"],
        ),
    ],
)
def test_mappings_do_not_overlap(second: dict[str, int], expected: list[str]) -> None:
    """The kernel takes each id at most once (user_namespaces(7))."""
    linux = {
        "namespaces": [*NEW, {"type": "user"}],
        "uidMappings": [MAPPING, second],
        "gidMappings": [MAPPING],
    }
    assert faults(linux) == [f"$.linux.uidMappings{fault}" for fault in expected]


# -- mounts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "other"), [("uidMappings", "gidMappings"), ("gidMappings", "uidMappings")])
def test_mount_mappings_come_in_pairs(name: str, other: str) -> None:
    """If specified, `uidMappings` MUST be specified along with `gidMappings`, and the reverse."""
    mount = {"destination": "/x", "options": ["bind", "idmap"], name: [MAPPING]}
    assert faults({}, mounts=[mount]) == [f"$.mounts[0].{name}: needs {other} as well"]
    assert faults({}, mounts=[{**mount, other: [MAPPING]}]) == []


def test_idmap_without_any_mapping_is_refused() -> None:
    """No mappings and no user namespace: an error MUST be returned."""
    mounts = [{"destination": "/x", "options": ["bind", "ridmap"]}]
    assert faults({}, mounts=mounts) == [
        "$.mounts[0].options[1]: ridmap needs uidMappings and gidMappings, or a user namespace"
    ]
    assert faults({"namespaces": [{"type": "user", "path": "/proc/1/ns/user"}]}, mounts=mounts) == []


def test_relative_mount_destinations_are_accepted() -> None:
    """A destination MAY be a relative path, in which case it MUST be interpreted as relative to "/"."""
    assert faults({}, mounts=[{"destination": "x/y"}]) == []
    assert faults({}, mounts=[{"destination": ""}]) == ["$.mounts[0].destination: must not be empty"]


@pytest.mark.parametrize("value", ["private", "rshared", "slave", "runbindable"])
def test_rootfs_propagation_has_known_values(value: str) -> None:
    """Its value is either shared, slave, private or unbindable, or one of those recursively."""
    assert faults({"rootfsPropagation": value}) == []
    (fault,) = faults({"rootfsPropagation": f"{value}x"})
    assert fault.startswith("$.linux.rootfsPropagation: must be one of ")


# -- hooks and annotations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ({"path": "bin/x"}, "path: must be absolute, got 'bin/x'"),
        ({"path": "/x", "timeout": 0}, "timeout: must be at least 1, got 0"),
        ({"path": "/x", "timeout": -1}, "timeout: must be at least 1, got -1"),
        ({}, "path: is missing"),
    ],
)
@pytest.mark.parametrize(
    "point", ["prestart", "createRuntime", "createContainer", "startContainer", "poststop"]
)
def test_hooks_are_absolute_and_their_timeouts_positive(point: str, hook: Any, expected: str) -> None:
    """`path` MUST be absolute; if set, `timeout` MUST be greater than zero."""
    assert faults({}, hooks={point: [hook]}) == [f"$.hooks.{point}[0].{expected}"]


def test_annotations_have_keys_and_strings() -> None:
    """Keys MUST NOT be an empty string; values MUST be strings, and MAY be empty."""
    assert faults({}, annotations={"": "x", "a.b": 1, "c": ""}) == [
        '$.annotations[""]: must not be empty',
        '$.annotations["a.b"]: must be a string, got 1',
    ]


# -- process -------------------------------------------------------------------------------------------------


def test_duplicated_rlimits_are_refused() -> None:
    """If `rlimits` contains duplicated entries with same `type`, the runtime MUST generate an error."""
    limit = {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}
    assert process_faults(rlimits=[limit, limit]) == ["$.rlimits[1].type: repeats RLIMIT_CORE of rlimits[0]"]


def test_unknown_rlimits_are_refused() -> None:
    """The runtime MUST generate an error for any values which cannot be mapped to a kernel interface."""
    (fault,) = process_faults(rlimits=[{"type": "RLIMIT_NONE", "soft": 0, "hard": 0}])
    assert fault.startswith("$.rlimits[0].type: must be one of ")


def test_soft_limits_do_not_exceed_hard_ones() -> None:
    """setrlimit(2) would refuse it after everything was made."""
    limit = {"type": "RLIMIT_CORE", "soft": 2, "hard": 1}
    assert process_faults(rlimits=[limit]) == ["$.rlimits[0].soft: must not exceed hard, 1, got 2"]


@pytest.mark.parametrize("args", [[], None])
def test_args_has_an_entry(args: list[str] | None) -> None:
    """At least one entry is REQUIRED."""
    assert len(process_faults(args=args)) == 1


@pytest.mark.parametrize("cwd", ["", "tmp", "./x"])
def test_relative_cwd_is_refused(cwd: str) -> None:
    """`cwd` MUST be an absolute path."""
    assert process_faults(cwd=cwd) == [f"$.cwd: must be absolute, got {cwd!r}"]


@pytest.mark.parametrize("entry", ["NAME", "=value", ""])
def test_environment_entries_are_name_and_value(entry: str) -> None:
    """`env` has the semantics of `environ`: strings of the form name=value."""
    assert process_faults(env=[entry]) == [f"$.env[0]: must be NAME=VALUE, got {entry!r}"]


@pytest.mark.parametrize("value", [-1001, 1001])
def test_oom_score_adj_is_in_the_kernels_range(value: int) -> None:
    """/proc/PID/oom_score_adj takes -1000 to 1000."""
    assert len(process_faults(oomScoreAdj=value)) == 1
    assert process_faults(oomScoreAdj=value // 2) == []


def test_unknown_capabilities_are_no_fault() -> None:
    """Any value which cannot be mapped to a relevant kernel interface MUST be logged as a warning."""
    assert process_faults(capabilities={"bounding": ["CAP_NEW", "kill"]}) == []


def test_console_size_without_terminal_is_no_fault() -> None:
    """Runtimes MUST ignore `consoleSize` if `terminal` is `false` or unset."""
    assert process_faults(consoleSize={"height": 1, "width": 1}) == []


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ({"policy": "SCHED_FIFO", "priority": 99}, []),
        ({"policy": "SCHED_FIFO"}, ["priority: must be 1 to 99 with SCHED_FIFO, got 0"]),
        ({"policy": "SCHED_OTHER", "nice": 19}, []),
        ({"policy": "SCHED_OTHER", "priority": 1}, ["priority: has no meaning with SCHED_OTHER"]),
        ({"policy": "SCHED_RR", "priority": 1, "runtime": 1}, ["runtime: has no meaning with SCHED_RR"]),
        ({"policy": "SCHED_DEADLINE", "runtime": 1, "deadline": 2, "period": 3}, []),
    ],
)
def test_scheduler_parameters_fit_the_policy(scheduler: dict[str, Any], expected: list[str]) -> None:
    """`priority` is used by real-time policies; runtime, deadline and period by the deadline scheduler."""
    assert process_faults(scheduler=scheduler) == [f"$.scheduler.{fault}" for fault in expected]


# -- devices, sysctl and cgroups -----------------------------------------------------------------------------


def test_devices_have_numbers_unless_they_are_pipes() -> None:
    """`major, minor` are REQUIRED unless `type` is `p`."""
    assert faults({"devices": [{"type": "b", "path": "/dev/x", "major": 8}]}) == [
        "$.linux.devices[0].minor: is missing for type b"
    ]
    assert faults({"devices": [{"type": "p", "path": "/dev/x"}]}) == []


def test_device_paths_are_full_and_types_known() -> None:
    """`path` is the full path to the device inside the container; `type` is c, b, u or p."""
    assert faults({"devices": [{"type": "d", "path": "dev/x", "major": 1, "minor": 1}]}) == [
        "$.linux.devices[0].type: must be one of c, b, u, p, got 'd'",
        "$.linux.devices[0].path: must be absolute, got 'dev/x'",
    ]


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("net.ipv4.ip_forward", "network"),
        ("net/ipv4/conf/eth0.100/forwarding", "network"),
        ("kernel.shmmax", "ipc"),
        ("kernel.sem", "ipc"),
        ("fs.mqueue.msg_max", "ipc"),
        ("kernel.hostname", "uts"),
        ("kernel/domainname", "uts"),
    ],
)
def test_sysctl_needs_the_namespace_it_belongs_to(name: str, namespace: str) -> None:
    """Kernel parameters are modified for the container, so never for the host."""
    (fault,) = faults({"namespaces": without(namespace), "sysctl": {name: "1"}})
    assert fault.endswith(f": needs a {namespace} namespace")
    assert faults({"namespaces": NEW, "sysctl": {name: "1"}}) == []


@pytest.mark.parametrize(
    "name", ["vm.swappiness", "kernel.core_pattern", "kernel.shm", "network.x", "fs.file-max"]
)
def test_sysctl_of_the_whole_host_is_refused(name: str) -> None:
    """A parameter without a namespace would change every process of the machine."""
    assert faults({"namespaces": NEW, "sysctl": {name: "1"}}) == [
        f'$.linux.sysctl["{name}"]: belongs to the whole host, not to a namespace'
    ]


@pytest.mark.parametrize(
    "name", ["net", "net..x", "net/../kernel/core_pattern", "net.//.kernel", "/net/x", ".net", "net."]
)
def test_sysctl_names_do_not_lead_elsewhere(name: str) -> None:
    """A name is a path below /proc/sys, and stays there."""
    assert faults({"namespaces": NEW, "sysctl": {name: "1"}})[0].endswith(
        ": is not the name of a kernel parameter"
    )


@pytest.mark.parametrize("name", ["hostname", "domainname"])
def test_sysctl_does_not_conflict_with_the_configured_name(name: str) -> None:
    """One of the two would silently win."""
    linux = {"namespaces": NEW, "sysctl": {f"kernel.{name}": "a"}}
    assert faults(linux, **{name: "b"}) == [f'$.linux.sysctl["kernel.{name}"]: conflicts with $.{name}']


@pytest.mark.parametrize("path", ["../x", "/a/../b", ".."])
def test_cgroups_paths_do_not_lead_out(path: str) -> None:
    """Runtimes MAY consider certain `cgroupsPath` values to be invalid, and MUST generate an error then."""
    assert faults({"cgroupsPath": path}) == [f"$.linux.cgroupsPath: must not contain .., got {path!r}"]
    assert faults({"cgroupsPath": path.replace("..", "a..b")}) == []


@pytest.mark.parametrize("name", ["../memory.max", "a/b", "..", ""])
def test_unified_keys_name_files(name: str) -> None:
    """Each key refers to a file in the cgroup, and to no other place."""
    assert len(resources_faults(unified={name: "1"})) == 1


def test_burst_is_no_larger_than_a_positive_quota() -> None:
    """`burst` MUST be no larger than any positive `quota`."""
    assert resources_faults(cpu={"quota": 1, "burst": 2}) == ["$.cpu.burst: must not exceed quota, 1, got 2"]
    assert resources_faults(cpu={"quota": -1, "burst": 2}) == []


def test_swap_includes_memory() -> None:
    """`swap` limits memory and swap together."""
    assert resources_faults(memory={"limit": 2, "swap": 1}) == [
        "$.memory.swap: counts memory as well: must be at least limit, 2, got 1"
    ]
    assert resources_faults(memory={"limit": 2, "swap": 0}) == []
    assert resources_faults(memory={"limit": 2, "swap": -1}) == []


@pytest.mark.parametrize("weight", [9, 1001])
def test_weights_are_ten_to_a_thousand_or_zero(weight: int) -> None:
    """The kernel's range; zero is how dockerd says "leave"."""
    device = {"major": 8, "minor": 0, "leafWeight": weight}
    assert resources_faults(blockIO={"weight": weight, "weightDevice": [device]}) == [
        f"$.blockIO.weight: must be 10 to 1000, got {weight}",
        f"$.blockIO.weightDevice[0].leafWeight: must be 10 to 1000, got {weight}",
    ]
    assert resources_faults(blockIO={"weight": 0}) == []


def test_weight_devices_have_a_weight() -> None:
    """You MUST specify at least one of `weight` or `leafWeight` in a given entry."""
    assert resources_faults(blockIO={"weightDevice": [{"major": 8, "minor": 0}]}) == [
        "$.blockIO.weightDevice[0]: needs weight or leafWeight"
    ]


def test_rdma_devices_have_a_limit() -> None:
    """You MUST specify at least one of the `hcaHandles` or `hcaObjects` in a given entry."""
    assert resources_faults(rdma={"mlx5_1": {}}) == ["$.rdma.mlx5_1: needs hcaHandles or hcaObjects"]


# -- network devices, seccomp, memory policy, rdt, personality -----------------------------------------------


def test_net_devices_need_a_network_namespace() -> None:
    """Devices are moved into the container's network namespace."""
    linux = {"namespaces": without("network"), "netDevices": {"eth0": {}}}
    assert faults(linux) == ["$.linux.netDevices: needs a network namespace"]


def test_net_devices_have_different_names() -> None:
    """A name that already exists in the container is an error, unless it is a template."""
    devices = {"eth0": {"name": "eth1"}, "eth1": {}}
    assert faults({"namespaces": NEW, "netDevices": devices}) == [
        "$.linux.netDevices.eth1: is named eth1 like eth0"
    ]
    templates = {"eth0": {"name": "eth%d"}, "eth1": {"name": "eth%d"}}
    assert faults({"namespaces": NEW, "netDevices": templates}) == []


@pytest.mark.parametrize("name", ["a/b", "..", "sixteen-letters0", "a b", "a:b"])
def test_net_devices_have_names_that_the_kernel_takes(name: str) -> None:
    """A device's name has at most 15 bytes, no slash, no colon and no space."""
    assert len(faults({"namespaces": NEW, "netDevices": {"eth0": {"name": name}}})) == 1


def test_seccomp_names_are_not_empty() -> None:
    """`names` MUST contain at least one entry."""
    rule = {"names": [], "action": "SCMP_ACT_ALLOW"}
    assert faults({"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}}) == [
        "$.linux.seccomp.syscalls[0].names: must not be empty"
    ]


def test_errno_is_only_for_actions_that_return_one() -> None:
    """When the action doesn't support an errno, the runtime MUST print an error and fail."""
    rule = {"names": ["read"], "action": "SCMP_ACT_KILL", "errnoRet": 1}
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1, "syscalls": [rule]}
    assert faults({"seccomp": seccomp}) == [
        "$.linux.seccomp.defaultErrnoRet: has no meaning with SCMP_ACT_ALLOW",
        "$.linux.seccomp.syscalls[0].errnoRet: has no meaning with SCMP_ACT_KILL",
    ]
    allowed = {"names": ["read"], "action": "SCMP_ACT_TRACE", "errnoRet": 1}
    assert (
        faults({"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": [allowed]}})
        == []
    )


def test_listener_metadata_needs_a_listener() -> None:
    """`listenerMetadata` MUST NOT be set if `listenerPath` is not set."""
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}
    assert faults({"seccomp": seccomp}) == ["$.linux.seccomp.listenerMetadata: needs listenerPath"]
    assert faults({"seccomp": {**seccomp, "listenerPath": "/run/agent"}}) == []


def test_notifying_needs_a_listener() -> None:
    """SCMP_ACT_NOTIFY without a listener would hang the process; as default it would hang the runtime."""
    rule = {"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}
    assert faults({"seccomp": {"defaultAction": "SCMP_ACT_NOTIFY", "syscalls": [rule]}}) == [
        "$.linux.seccomp.defaultAction: must not be SCMP_ACT_NOTIFY",
        "$.linux.seccomp.syscalls[0].action: needs listenerPath",
    ]


@pytest.mark.parametrize(
    ("policy", "count"),
    [
        ({"mode": "MPOL_DEFAULT", "nodes": "0"}, 1),
        ({"mode": "MPOL_LOCAL"}, 0),
        ({"mode": "MPOL_BIND"}, 1),
        ({"mode": "MPOL_BIND", "nodes": "0-1,3"}, 0),
        ({"mode": "MPOL_PREFERRED", "nodes": ""}, 0),
        ({"mode": "MPOL_BIND", "nodes": "3-1"}, 1),
        ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NONE"]}, 1),
    ],
)
def test_memory_policies_have_the_nodes_their_mode_wants(policy: dict[str, Any], count: int) -> None:
    """Some modes require that there are no nodes, others that there is at least one."""
    assert len(faults({"memoryPolicy": policy})) == count


def test_memory_bandwidth_begins_with_mb() -> None:
    """`memBwSchema` MUST start with `MB:` and MUST NOT contain newlines."""
    for schema in ("L3:0=1", "MB:0=1\nMB:1=2"):
        (fault,) = faults({"intelRdt": {"memBwSchema": schema}})
        assert fault.startswith("$.linux.intelRdt.memBwSchema: must be one line that begins with MB:")


@pytest.mark.parametrize(("name", "count"), [("/", 0), ("group", 0), ("a/b", 1), ("..", 1)])
def test_rdt_classes_are_directories_of_resctrl(name: str, count: int) -> None:
    """As a special case, `/` is the default class; else it is one directory."""
    assert len(faults({"intelRdt": {"closID": name}})) == count


def test_personality_flags_are_refused() -> None:
    """Currently no flag values are supported."""
    assert faults({"personality": {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}}) == [
        "$.linux.personality.flags: must be empty: no value is supported"
    ]
