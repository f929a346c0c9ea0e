"""Facts about the host: found out here, and the same when they come from a document."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

from krun.host import probe
from krun.host.facts import facts_document, host_facts


def test_facts_survive_json() -> None:
    """Golden tests and plans for other hosts load what a probe has found."""
    facts = probe.probe()
    assert host_facts(json.loads(json.dumps(facts_document(facts)))) == facts


def test_missing_fact_is_named() -> None:
    """A document from another version is refused, not filled up."""
    document = facts_document(probe.probe())
    del document["bounding"]
    with pytest.raises(TypeError, match="bounding"):
        host_facts(document)


def test_probe_says_what_the_kernel_says() -> None:
    """Compared with other ways to find out."""
    facts = probe.probe()
    assert facts.kernel_release == os.uname().release
    assert facts.euid == os.geteuid()
    assert facts.last_capability == int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert f"CapBnd:\t{facts.bounding:016x}\n" in Path("/proc/self/status").read_text()
    assert facts.kcore == Path("/proc/kcore").exists()
    assert facts.seccomp == Path("/proc/sys/kernel/seccomp/actions_avail").exists()


def test_probe_leaves_nothing_open() -> None:
    """It runs in every create."""
    before = sorted(os.listdir("/proc/self/fd"))
    probe.probe()
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_probe_takes_few_system_calls() -> None:
    """A create cannot wait: well under a millisecond of processor time."""
    rounds = 20
    probe.probe()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(rounds):
        probe.probe()
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent / rounds < 0.003


def test_device_in_words(tmp_path: Path) -> None:
    """What is said of /dev/kvm."""
    assert probe._device_words("/dev/null") == "usable"
    assert probe._device_words(str(tmp_path / "kvm")) == "missing"
