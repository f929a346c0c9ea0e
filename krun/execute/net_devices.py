"""Moves network devices of the host into the container's network namespace; the only module with pyroute2.

A device keeps its attributes and its permanent, global addresses, and is up in the end.  What fails is moved
back.  Once the container is made krun never touches them again: they end with their namespace, or return to
the host if they are hardware.

Out of scope: making devices, routes.  Source: runtime-spec config-linux.md#network-devices.
"""

from __future__ import annotations

import errno

from pyroute2 import IPRoute, NetlinkError  # type: ignore[import-untyped]  # it has no types

from krun import os
from krun.errors import Unsupported
from krun.plan.namespaces import CLONE_NEWNET
from krun.spec.faults import json_path
from krun.sys import native
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from krun.execute.undo import Undo
    from krun.plan.network import NetDevice

_IFF_UP = 1
_IFA_F_PERMANENT = 0x80
_RT_SCOPE_UNIVERSE = 0


class _Address(Record):
    """An address as it is added again: arguments of RTM_NEWADDR."""

    family: int
    prefix_length: int
    values: tuple[tuple[str, str], ...]
    """`address`, and `local` and `broadcast` where there are."""


class _Device(Record):
    """A device as it was on the host."""

    name: str
    index: int
    is_up: bool
    addresses: tuple[_Address, ...]


def move_devices(devices: tuple[NetDevice, ...], pid: int, undo: Undo) -> None:
    """Move devices into the network namespace of a process.

    undo: takes how each is moved back; for that the namespace is held open as long as krun runs.
    Raises Unsupported with the device's JSON path: it is not there, its name is taken, it cannot be moved.
    """
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    with IPRoute() as host, _routes_of(namespace) as container:
        for device in devices:
            path = json_path(("linux", "netDevices", device.name))
            found = _look_up(host, device.name)
            if found is None:
                raise Unsupported(path, "there is no such network device")
            if container.link_lookup(ifname=device.new_name):
                raise Unsupported(path, f"{device.new_name} is taken in the container")
            try:
                _move(host, container, found, device.new_name, namespace, undo)
            except NetlinkError as error:
                raise Unsupported(path, f"cannot be moved: {_name(error)}") from None


def _routes_of(namespace: int) -> IPRoute:
    """Return netlink in another network namespace: a socket stays in the one that it was made in."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        native.enter_namespace(namespace, CLONE_NEWNET)
        try:
            return IPRoute()
        finally:
            native.enter_namespace(own, CLONE_NEWNET)
    finally:
        os.close(own)


def _indexes(routes: IPRoute) -> set[int]:
    return {link["index"] for link in routes.get_links()}


def _move(
    host: IPRoute, container: IPRoute, device: _Device, new_name: str, namespace: int, undo: Undo
) -> None:
    """Take the device down, move it under its new name, and bring it up there with its addresses.

    The kernel moves first and renames then, so that a device may be in the container although it failed.
    """
    before = _indexes(container)
    undo.add(f"take {device.name} up again", lambda: _restore(device))
    undo.add(f"move {device.name} back", lambda: _move_back(namespace, before, device.name))
    host.link("set", index=device.index, state="down")
    host.link("set", index=device.index, ifname=new_name, net_ns_fd=namespace)
    # The kernel keeps the number where it is free, and chooses the name for a template.
    (index,) = _indexes(container) - before
    _add_addresses(container, index, device.addresses)
    container.link("set", index=index, state="up")


def _move_back(namespace: int, before: set[int], name: str) -> None:
    """Move back what has come into the namespace."""
    target = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _routes_of(namespace) as container:
            for index in _indexes(container) - before:
                container.link("set", index=index, state="down")
                container.link("set", index=index, ifname=name, net_ns_fd=target)
    except NetlinkError as error:
        raise OSError(error.code, _name(error)) from error
    finally:
        os.close(target)


def _restore(device: _Device) -> None:
    """Give a device that is on the host again, or still, its addresses and its state."""
    try:
        with IPRoute() as host:
            now = _look_up(host, device.name)
            if now is None:
                return
            lost = tuple(address for address in device.addresses if address not in now.addresses)
            _add_addresses(host, now.index, lost)
            if device.is_up:
                host.link("set", index=now.index, state="up")
    except NetlinkError as error:
        raise OSError(error.code, _name(error)) from error


def _look_up(host: IPRoute, name: str) -> _Device | None:
    for index in host.link_lookup(ifname=name):
        (link,) = host.get_links(index)
        addresses = [_address(message) for message in host.get_addr(index=index) if _is_kept(message)]
        return _Device(name, index, bool(link["flags"] & _IFF_UP), tuple(addresses))
    return None


def _is_kept(message: Any) -> bool:
    """Tell whether an address goes with its device: a permanent one of global scope."""
    flags = message.get("IFA_FLAGS", message["flags"])
    return bool(flags & _IFA_F_PERMANENT) and message["scope"] == _RT_SCOPE_UNIVERSE


def _address(message: Any) -> _Address:
    names = (("address", "IFA_ADDRESS"), ("local", "IFA_LOCAL"), ("broadcast", "IFA_BROADCAST"))
    found = ((name, message.get(attribute)) for name, attribute in names)
    values = tuple((name, value) for name, value in found if value is not None)
    return _Address(message["family"], message["prefixlen"], values)


def _add_addresses(route: IPRoute, index: int, addresses: tuple[_Address, ...]) -> None:
    for address in addresses:
        route.addr(
            "add",
            index=index,
            family=address.family,
            prefixlen=address.prefix_length,
            **dict(address.values),
        )


def _name(error: NetlinkError) -> str:
    return errno.errorcode.get(error.code, str(error.code))
