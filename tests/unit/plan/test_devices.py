"""Devices: config-linux.md#devices, #default-devices and runtime-linux.md#dev-symbolic-links."""

from __future__ import annotations

import stat
from typing import Any

import pytest

from krun.host.facts import HostFacts
from krun.plan import ops
from krun.plan.devices import device_operations
from krun.spec.model import Device, Linux, Mount, Namespace, Spec


def nodes(program: list[Any]) -> dict[str, tuple[int, int, int, int]]:
    """Return kind, major, minor and mode of each node by path."""
    return {
        op.path: (op.kind, op.major, op.minor, op.mode) for op in program if isinstance(op, ops.MakeDevice)
    }


def links(program: list[Any]) -> dict[str, str]:
    """Return the target of each link by path."""
    return {op.path: op.target for op in program if isinstance(op, ops.MakeSymlink)}


def with_devices(spec: Spec, *devices: Device) -> Spec:
    """Return the specification with these devices."""
    changed: Spec = spec.replace(linux=spec.linux.replace(devices=devices))
    return changed


def test_default_devices_are_supplied(spec: Spec, facts: HostFacts) -> None:
    """In addition to configured devices, the runtime MUST also supply these."""
    assert nodes(device_operations(spec, facts)) == {
        "/dev/null": (stat.S_IFCHR, 1, 3, 0o666),
        "/dev/zero": (stat.S_IFCHR, 1, 5, 0o666),
        "/dev/full": (stat.S_IFCHR, 1, 7, 0o666),
        "/dev/random": (stat.S_IFCHR, 1, 8, 0o666),
        "/dev/urandom": (stat.S_IFCHR, 1, 9, 0o666),
        "/dev/tty": (stat.S_IFCHR, 5, 0, 0o666),
    }


def test_links_are_supplied(spec: Spec, facts: HostFacts) -> None:
    """The runtime MUST create them; /dev/ptmx is a link to the container's own devpts."""
    assert links(device_operations(spec, facts)) == {
        "/dev/ptmx": "pts/ptmx",
        "/dev/fd": "/proc/self/fd",
        "/dev/stdin": "/proc/self/fd/0",
        "/dev/stdout": "/proc/self/fd/1",
        "/dev/stderr": "/proc/self/fd/2",
    }


def test_core_is_linked_where_the_kernel_has_it(spec: Spec, facts: HostFacts) -> None:
    """Only with /proc/kcore."""
    assert links(device_operations(spec, facts.replace(kcore=True)))["/dev/core"] == "/proc/kcore"


@pytest.mark.parametrize(
    ("device", "node"),
    [
        (Device("c", "/dev/x", 10, 229, 0o600), (stat.S_IFCHR, 10, 229, 0o600)),
        (Device("u", "/dev/x", 10, 229, 0o600), (stat.S_IFCHR, 10, 229, 0o600)),
        (Device("b", "/dev/x", 8, 0, 0o100660), (stat.S_IFBLK, 8, 0, 0o660)),
        (Device("p", "/dev/x"), (stat.S_IFIFO, 0, 0, 0o666)),
    ],
)
def test_configured_device_is_made(
    spec: Spec, facts: HostFacts, device: Device, node: tuple[int, int, int, int]
) -> None:
    """Type, numbers and mode as configured; dockerd's type bits in fileMode do no harm."""
    assert nodes(device_operations(with_devices(spec, device), facts))["/dev/x"] == node


def test_owner_of_a_configured_device(spec: Spec, facts: HostFacts) -> None:
    """Uid and gid in the container namespace."""
    program = device_operations(with_devices(spec, Device("c", "/dev/x", 1, 2, uid=5, gid=6)), facts)
    assert [(op.uid, op.gid) for op in program if isinstance(op, ops.MakeDevice) and op.path == "/dev/x"] == [
        (5, 6)
    ]


def test_configured_device_takes_the_place_of_a_default_one(spec: Spec, facts: HostFacts) -> None:
    """One node at a path, whatever way the path is written."""
    program = device_operations(with_devices(spec, Device("c", "/dev//null", 1, 3, 0o600)), facts)
    assert [op.mode for op in program if isinstance(op, ops.MakeDevice) and op.path == "/dev/null"] == [0o600]


def test_configured_ptmx_stays_a_link(spec: Spec, facts: HostFacts) -> None:
    """A privileged container of podman's configures the host's, whose terminals are not the container's."""
    program = device_operations(with_devices(spec, Device("c", "/dev/ptmx", 5, 2)), facts)
    assert "/dev/ptmx" not in nodes(program)
    assert links(program)["/dev/ptmx"] == "pts/ptmx"


@pytest.mark.parametrize("where", ["runtime", "container"])
def test_in_a_user_namespace_the_host_s_nodes_are_bound(spec: Spec, facts: HostFacts, where: str) -> None:
    """The kernel lets nobody there make a node that can be opened."""
    if where == "runtime":
        facts = facts.replace(in_user_namespace=True)
    else:
        spec = spec.replace(linux=Linux(namespaces=(Namespace("mount"), Namespace("user"))))
    program = device_operations(with_devices(spec, Device("c", "/dev/x", 1, 2)), facts)
    assert nodes(program) == {}
    assert ops.BindDevice(source="/dev/null", path="/dev/null") in program
    assert ops.BindDevice(source="/dev/x", path="/dev/x") in program


@pytest.mark.parametrize("destination", ["/dev", "dev/", "//dev"])
def test_bound_dev_is_left_alone(spec: Spec, facts: HostFacts, destination: str) -> None:
    """It is somebody else's directory, on the host."""
    spec = spec.replace(mounts=(Mount(destination, "bind", "/dev", ("rbind",)),))
    assert device_operations(spec, facts) == []
