"""HOSTNAME, DOMAINNAME, SYSCTL, LOOPBACK_UP."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stage import PROC, StageRunner, opening, shell

from krun.plan import ops

pytestmark = pytest.mark.needs("root", "busybox")


def test_names_belong_to_the_container(stage: StageRunner, root: Path) -> None:
    """Host name and domain name of the new uts namespace; the host keeps its own."""
    before = Path("/proc/sys/kernel/hostname").read_text()
    program = [*opening(root), PROC, ops.PivotRoot(), ops.Hostname("inside"), ops.Domainname("example.org")]
    outcome = stage.run([*program, *shell("cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname")])
    assert outcome.output == "inside\nexample.org\n"
    assert Path("/proc/sys/kernel/hostname").read_text() == before


@pytest.mark.parametrize("name", ["net.ipv4.ip_default_ttl", "net/ipv4/ip_default_ttl"])
def test_kernel_parameter_is_set(stage: StageRunner, root: Path, name: str) -> None:
    """With dots or with slashes, as sysctl(8)."""
    program = [*opening(root), PROC, ops.Sysctl(name, "77"), ops.PivotRoot()]
    assert stage.run([*program, *shell("cat /proc/sys/net/ipv4/ip_default_ttl")]).output == "77\n"


@pytest.mark.parametrize("name", ["net.ipv4.conf.lo.forwarding", "net/ipv4/conf/lo/forwarding"])
def test_parameter_of_an_interface(stage: StageRunner, root: Path, name: str) -> None:
    """Interfaces are directories below net."""
    program = [*opening(root), PROC, ops.Sysctl(name, "1"), ops.PivotRoot()]
    assert stage.run([*program, *shell("cat /proc/sys/net/ipv4/conf/lo/forwarding")]).output == "1\n"


def test_unknown_parameter_is_named(stage: StageRunner, root: Path) -> None:
    """What this kernel does not have is an error."""
    outcome = stage.run([*opening(root), ops.Sysctl("no.such.parameter", "1")])
    assert outcome.error == (6, "ENOENT open /proc/sys/no/such/parameter")


@pytest.mark.parametrize("name", ["/../self/oom_score_adj", "kernel/../../self/comm", "kernel/.."])
def test_parameter_outside_of_sys_is_refused(stage: StageRunner, root: Path, name: str) -> None:
    """A name does not climb to other files of procfs."""
    outcome = stage.run([*opening(root), ops.Sysctl(name, "1")])
    assert outcome.error == (6, f"EINVAL set {name}: not below /proc/sys")


def test_loopback_is_up(stage: StageRunner, root: Path) -> None:
    """A new network namespace has its loopback interface down."""
    program = [
        *opening(root),
        ops.Mount("sysfs", "sysfs", (), "/sys", 0, 0, 0),
        ops.LoopbackUp(),
        ops.PivotRoot(),
    ]
    outcome = stage.run([*program, *shell("cat /sys/class/net/lo/flags")])
    assert int(outcome.output, 16) & 1 == 1
