"""Network devices of the host in a container: config-linux.md#network-devices.

The "host" is a network namespace of the tests' own, in which krun is run.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Bundle, MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox", "dockerd"), pytest.mark.usefixtures("nothing_left")]

MAC = "02:00:00:00:00:17"
SHOW = ["sh", "-c", "busybox ip -o link; busybox ip -o addr"]


class Host:
    """A network namespace with a pair of devices, `outer` and `peer`."""

    def __init__(self) -> None:
        """Make it."""
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.holder.stdout is not None
        self.holder.stdout.readline()
        self.ip("link add outer mtu 1400 address", MAC, "type veth peer name peer")
        for address in ("10.9.0.1/24 broadcast 10.9.0.255", "fd00::17/64", "169.254.1.1/16 scope link"):
            self.ip("addr add", address, "dev outer")
        self.ip("link set outer up")
        self.ip("link set peer up")

    def command(self, *words: str) -> list[str]:
        """Return a command that runs there."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *words]

    def ip(self, *words: str) -> str:
        """Run ip there; words are split at blanks."""
        command = self.command("ip", *" ".join(words).split())
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def device(self, name: str) -> dict[str, Any] | None:
        """Return what ip tells of a device, None when it is not there."""
        for link in json.loads(self.ip("-j addr")):
            if link["ifname"] == name:
                found: dict[str, Any] = link
                return found
        return None

    def close(self) -> None:
        """Give it up."""
        self.holder.communicate()


@pytest.fixture
def host() -> Iterator[Host]:
    """Return a host."""
    host = Host()
    yield host
    host.close()


@pytest.fixture(params=["none", pytest.param("builtin", marks=pytest.mark.needs("kvm"))])
def runner(request: pytest.FixtureRequest, host: Host, krun: Path, krun_root: Path, tmp_path: Path) -> Runner:
    """Return a krun that runs on that host."""
    return Runner(krun, krun_root, tmp_path / "streams", monitor=request.param, through=host.command())


def with_devices(made: Bundle, **devices: str) -> Bundle:
    """Ask for devices: host name -> container name, "" for the same."""
    made.config["linux"]["netDevices"] = {name: {"name": new} if new else {} for name, new in devices.items()}
    made.write()
    return made


def addresses(device: dict[str, Any] | None) -> set[str]:
    """Return the addresses of a device, without those of link scope."""
    assert device is not None
    return {entry["local"] for entry in device["addr_info"] if entry["scope"] == "global"}


def test_device_is_moved_renamed_and_up_with_its_addresses(
    runner: Runner, bundle: MakeBundle, host: Host
) -> None:
    """Attributes and permanent global addresses are kept, the others are not."""
    out = runner.ok("run", "--bundle", with_devices(bundle(SHOW), outer="inner"), "c").out
    (link,) = [line for line in out.splitlines() if "inner" in line and "mtu" in line]
    assert "mtu 1400" in link
    assert MAC in link
    assert "UP" in link.partition("<")[2].partition(">")[0].split(",")
    assert "inet 10.9.0.1/24 brd 10.9.0.255 scope global inner" in out
    assert "inet6 fd00::17/64 scope global" in out
    assert "169.254.1.1" not in out
    # It ended with the container's network namespace, and nobody had moved it out.
    assert host.device("outer") is None


@pytest.mark.parametrize(("name", "expected"), [("", "outer"), ("net%d", "net0")])
def test_name_is_kept_or_made_from_a_template(
    runner: Runner, bundle: MakeBundle, name: str, expected: str
) -> None:
    """If not specified, the host name is used; `%d` is the kernel's to fill in."""
    out = runner.ok("run", "--bundle", with_devices(bundle(SHOW), outer=name), "c").out
    assert f": {expected}" in out


def test_names_from_one_template_do_not_clash(runner: Runner, bundle: MakeBundle) -> None:
    """The kernel finds a name that is free."""
    out = runner.ok("run", "--bundle", with_devices(bundle(SHOW), outer="e%d", peer="e%d"), "c").out
    assert ": e0" in out
    assert ": e1" in out


def test_name_that_is_taken_is_an_error_and_the_device_stays(
    runner: Runner, bundle: MakeBundle, host: Host
) -> None:
    """The runtime MUST generate an error; here `lo` is taken by the namespace's own."""
    message = runner.refused("create", "--bundle", with_devices(bundle(SHOW), outer="lo"), "c")
    assert message == "krun: $.linux.netDevices.outer: lo is taken in the container"
    device = host.device("outer")
    assert addresses(device) == {"10.9.0.1", "fd00::17"}
    assert device is not None
    assert "UP" in device["flags"]


def test_name_that_the_kernel_refuses_is_an_error_and_the_device_stays(
    runner: Runner, bundle: MakeBundle, host: Host
) -> None:
    """The kernel moves a device before it looks at a template."""
    message = runner.refused("create", "--bundle", with_devices(bundle(SHOW), outer="e%d%d"), "c")
    assert message == "krun: $.linux.netDevices.outer: cannot be moved: EINVAL"
    assert addresses(host.device("outer")) == {"10.9.0.1", "fd00::17"}


def test_device_that_is_not_there_is_an_error(runner: Runner, bundle: MakeBundle, host: Host) -> None:
    """And what was moved before it is moved back, with its name, its addresses and its state."""
    made = with_devices(bundle(SHOW), outer="inner", nothing="")
    message = runner.refused("create", "--bundle", made, "c")
    assert message == "krun: $.linux.netDevices.nothing: there is no such network device"
    device = host.device("outer")
    assert device is not None
    assert addresses(device) == {"10.9.0.1", "fd00::17"}
    assert (device["address"], device["mtu"], "UP" in device["flags"]) == (MAC, 1400, True)


def test_failure_after_the_move_gives_the_device_back(runner: Runner, bundle: MakeBundle, host: Host) -> None:
    """Init is dead by then, and only krun keeps the namespace from being freed."""
    made = with_devices(bundle(["/no/such/program"]), outer="inner")
    assert "no such file" in runner.refused("create", "--bundle", made, "c")
    assert addresses(host.device("outer")) == {"10.9.0.1", "fd00::17"}


def test_device_is_not_moved_out_before_the_deletion(runner: Runner, bundle: MakeBundle, host: Host) -> None:
    """The runtime MUST NOT attempt to: a namespace that the runtime does not own keeps the device."""
    owner = Host()
    try:
        owner.ip("link del outer")
        made = with_devices(bundle(SHOW), outer="inner")
        for namespace in made.config["linux"]["namespaces"]:
            if namespace["type"] == "network":
                namespace["path"] = f"/proc/{owner.holder.pid}/ns/net"
        made.write()
        runner.ok("run", "--bundle", made, "c")
        assert addresses(owner.device("inner")) == {"10.9.0.1", "fd00::17"}
        assert host.device("outer") is None
    finally:
        owner.close()
