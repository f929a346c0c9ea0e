"""Which network devices move, and under which names."""

from __future__ import annotations

from collections.abc import Callable

from krun.plan.explain import plan_text
from krun.plan.model import Plan
from krun.plan.network import NetDevice
from krun.spec.model import Namespace, Spec
from krun.spec.model import NetDevice as Configured


def test_devices_keep_their_order_and_name(spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """If `name` is not specified, the host name is used."""
    devices = {"eth1": Configured("e%d"), "eth0": Configured()}
    linux = spec.linux.replace(namespaces=(*spec.linux.namespaces, Namespace("network")), net_devices=devices)
    plan = compile_spec(spec.replace(linux=linux))
    assert plan.net_devices == (NetDevice("eth1", "e%d"), NetDevice("eth0", "eth0"))
    assert "network device: eth1 as e%d\nnetwork device: eth0 as eth0\n" in plan_text(plan)
