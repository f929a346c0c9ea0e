"""System calls in the VM and on the kernel, by cases after the names of the Linux Test Project.

Each family of families/*.c runs twice in the same bundle, natively and in the VM, and prints one line a
check.  A line that differs is a fault of the monitor, unless it is among the `differences` of
specs/hypercalls.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import hypercalls
from support.bundles import CAPABILITIES, TMP, MakeBundle
from support.runner import Runner

TABLE = hypercalls.read_table()
SOURCES = Path(__file__).parent / "families"
FAMILIES = sorted(path.stem for path in SOURCES.glob("*.c") if path.stem != "suite")
# What the cases ask for beyond docker's set.
MORE_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SYS_NICE", "CAP_IPC_LOCK", "CAP_LINUX_IMMUTABLE")
CASE = re.compile(r"^TEST\((\w+)\)$", re.MULTILINE)
# Names of the Linux Test Project for a way to use a call.
ALIASES = {
    "sigaction": "rt_sigaction",
    "sigprocmask": "rt_sigprocmask",
    "sigpending": "rt_sigpending",
    "sigsuspend": "rt_sigsuspend",
    "sigtimedwait": "rt_sigtimedwait",
    "fstatat": "newfstatat",
    "futex_cmp_requeue": "futex",
}


def call_of(case: str) -> str:
    """Return the system call that a case is named after."""
    stem = re.sub(r"_?\d\d$", "", case)
    return ALIASES.get(stem, stem)


def read_lines(text: str) -> dict[str, str]:
    """Return what each check saw, by "case: check" and, for one made several times, its number."""
    seen: dict[str, str] = {}
    for line in text.splitlines():
        check, _, result = line.rpartition(": ")
        name = check
        number = 1
        while name in seen:
            number += 1
            name = f"{check} #{number}"
        seen[name] = result
    return seen


def differing(native: Mapping[str, str], vm: Mapping[str, str]) -> dict[str, str]:
    """Return the checks whose results differ, with both results."""
    return {
        check: f"{native.get(check, 'nothing')} on the kernel, {vm.get(check, 'nothing')} in the VM"
        for check in sorted(native.keys() | vm.keys())
        if native.get(check) != vm.get(check)
    }


def allowed(native: Mapping[str, str]) -> dict[str, str]:
    """Return the differences that the table documents, for the checks of this run."""
    return {check: why for check, why in TABLE["differences"].items() if check in native}


@pytest.mark.needs("root", "kvm", "gcc", "busybox")
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("family", FAMILIES)
def test_calls_answer_as_on_a_kernel(
    runtime: Runner,
    plain_runtime: Runner,
    bundle: MakeBundle,
    compiled: Callable[..., Path],
    tmp_path: Path,
    family: str,
) -> None:
    """Results, errnos and bytes are the kernel's; what is not is documented, and nothing else is."""
    hypercalls.write_pointer_calls(tmp_path / "table.inc")
    sources = (str(SOURCES / f"{family}.c"), str(SOURCES / "suite.c"))
    program = compiled(*sources, "-static", "-pthread", f"-I{tmp_path}")
    seen: list[dict[str, str]] = []
    for name, runner in (("native", plain_runtime), ("vm", runtime)):
        made = bundle(["/family"], name=name, mounts=[TMP], capabilities=[*CAPABILITIES, *MORE_CAPABILITIES])
        made.add_program("family", program)
        result = runner("run", "--bundle", str(made), name, timeout_s=100)
        assert result.status == 0, result
        assert result.out.splitlines()[-1].endswith("cases ended"), result
        seen.append(read_lines(result.out))
    found = differing(*seen)
    documented = allowed(seen[0])
    unexpected = [f"{check}: {what}" for check, what in found.items() if check not in documented]
    stale = [f"{check}: no difference any more" for check in documented if check not in found]
    assert not unexpected + stale, "\n".join(unexpected + stale)


def cases() -> dict[str, str]:
    """Return each case with its family."""
    found: dict[str, str] = {}
    for family in set(FAMILIES) - {"pointers"}:
        for case in CASE.findall((SOURCES / f"{family}.c").read_text()):
            assert case not in found, f"{case} is in {found[case]} and in {family}"
            found[case] = family
    return found


def test_every_served_call_has_a_case() -> None:
    """No call of the table is served untested, and no case is named after a call that is not there."""
    calls: Mapping[str, Any] = TABLE["calls"]
    tested = {call_of(case) for case in cases()}
    served = {name for name, call in calls.items() if call["serve"] != "refuse"}
    assert served - tested == set()
    assert tested - calls.keys() == set()
