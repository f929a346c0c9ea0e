"""`krun features`: features.md and features-linux.md, and that it tells the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from krun.commands.features import features, mount_option_names
from krun.host.facts import HostFacts
from krun.plan import ops
from krun.plan.model import Plan
from krun.plan.mount_options import IDMAP, KIND
from krun.spec._schema import CONFIG
from krun.spec.load import load
from krun.spec.model import Capabilities, MemoryPolicy, Mount, Process, Seccomp, SeccompArg, SeccompRule, Spec
from krun.sys import native
from krun.sys.json import dumps


@pytest.fixture
def document(facts: HostFacts) -> Any:
    """Return the features as a client reads them."""
    return json.loads(dumps(features(facts)))


def test_what_clients_ask_for_is_there(document: Any) -> None:
    """CRI-O needs these four."""
    assert (document["ociVersionMin"], document["ociVersionMax"]) == ("1.0.0", "1.3.0")
    assert document["linux"]["mountExtensions"]["idmap"]["enabled"] is True
    assert "rro" in document["mountOptions"]


@pytest.mark.parametrize("key", ["ociVersionMin", "ociVersionMax"])
def test_versions_are_accepted(document: Any, key: str) -> None:
    """Both MUST be accepted as `ociVersion` in config.json."""
    text = dumps({"ociVersion": document[key], "root": {"path": "r"}})
    assert load(text.encode()).oci_version == document[key]


def test_hooks_are_those_of_the_specification(document: Any) -> None:
    """In the order of the lifecycle."""
    assert document["hooks"] == [
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
        "poststart",
        "poststop",
    ]


@pytest.mark.parametrize("option", sorted(set(mount_option_names()) - KIND - IDMAP))
def test_listed_mount_option_is_taken(spec: Spec, compile_spec: Callable[..., Plan], option: str) -> None:
    """None of the list is refused, or passed on to a file system that might not know it."""
    program = compile_spec(spec.replace(mounts=(Mount("/x", "tmpfs", "x", (option,)),))).program
    (mounted,) = [op for op in program if getattr(op, "fstype", "") == "tmpfs"]
    assert set(mounted.parameters) <= {"ro", "sync", "dirsync", "lazytime", "mand"}


def test_listed_capabilities_are_granted(
    document: Any, spec: Spec, process: Process, compile_spec: Callable[..., Plan]
) -> None:
    """No name is unknown."""
    names = tuple(document["linux"]["capabilities"])
    capabilities = Capabilities(bounding=names)
    assert compile_spec(spec.replace(process=process.replace(capabilities=capabilities))).warnings == ()


def test_listed_memory_policies_are_set(document: Any, spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """Modes and flags of linux/mempolicy.h, each with a number of its own."""
    listed = document["linux"]["memoryPolicy"]
    numbers = []
    for mode in listed["modes"]:
        nodes = "" if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else "0"
        for flags in ((), *((flag,) for flag in listed["flags"])):
            linux = spec.linux.replace(memory_policy=MemoryPolicy(mode, nodes, flags))
            program = compile_spec(spec.replace(linux=linux)).program
            numbers += [op.mode for op in program if isinstance(op, ops.MemoryPolicy)]
    modes, bits = range(7), (0, 1 << 13, 1 << 14, 1 << 15)
    assert sorted(numbers) == sorted(mode | bit for mode in modes for bit in bits)


def test_listed_seccomp_words_compile(document: Any) -> None:
    """Actions, operators and architectures that libseccomp takes."""
    listed = document["linux"]["seccomp"]
    for action in listed["actions"]:
        assert native.compile_seccomp("SCMP_ACT_TRAP", None, (), (SeccompRule(("read",), action),))
    for operator in listed["operators"]:
        rule = SeccompRule(("read",), "SCMP_ACT_ERRNO", None, (SeccompArg(0, 1, operator, 1),))
        assert native.compile_seccomp("SCMP_ACT_ALLOW", None, (), (rule,))
    for architecture in listed["archs"]:
        assert native.knows_architecture(architecture)
    assert not native.knows_architecture("SCMP_ARCH_NOPE")


def test_flags_are_listed_only_where_the_kernel_has_seccomp(document: Any, facts: HostFacts) -> None:
    """Known is what krun knows, supported what the kernel does too."""
    assert document["linux"]["seccomp"]["supportedFlags"] == document["linux"]["seccomp"]["knownFlags"]
    without = features(facts.replace(seccomp=False))["linux"]["seccomp"]
    assert (without["enabled"], without["supportedFlags"]) == (False, [])
    assert without["knownFlags"] == document["linux"]["seccomp"]["knownFlags"]


def test_known_flags_are_taken(document: Any, spec: Spec, compile_spec: Callable[..., Plan]) -> None:
    """The list is that of the compiler."""
    known = tuple(document["linux"]["seccomp"]["knownFlags"])
    linux = spec.linux.replace(seccomp=Seccomp("SCMP_ACT_ALLOW", flags=known))
    assert compile_spec(spec.replace(linux=linux)).program
    assert set(known) == set(
        CONFIG["properties"]["linux"]["properties"]["seccomp"]["properties"]["flags"]["items"]["enum"]
    )
