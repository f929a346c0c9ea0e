"""The payloads end in a machine with plain SVM as they do without a VM, with nested paging and without.

The machine is QEMU's, in software, and booted once; its kernel is Debian's with an unmodified KVM.  What SVM
has that other kinds of KVM lack: SYSCALL enters privilege level 0, and page tables are nested or KVM's own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import cases
from svm_machine import run

pytestmark = pytest.mark.needs("qemu", "busybox", "gcc")

# Slow in an emulated processor, or in want of files, of memory or of a processor that traps floating point.
LEFT_OUT = {
    "faults": ("floating_point_error",),
    "memory": ("large_heap",),
    "process": (
        "exec_errors_come_back",
        "finds_no_descriptor",
        "program_of_a_descriptor_runs",
        "waits",
        "waits_where_reading_implies_execution",
    ),
    "robust": (),
    "signals": ("blocks", "spins", "blocks_and_catches", "spins_and_catches"),
    "spawn": ("group_stops_at_any_moment", "threads_spawn_together"),
}
CASES = [
    f"{stem} {name}" for stem, without in LEFT_OUT.items() for name in cases.names(stem, without=without)
]
# What has no native counterpart.
HYPERCALLS = ("restarts", "ends_with_eintr")
# Natively once, then with nested page tables, then with those that KVM keeps itself.
JOB = """
each() {{
    while read -r payload name; do
        timeout 60 "$@" "/bin/$payload" "$name" </dev/null >/tmp/output 2>&1
        echo "RESULT $payload $name $?"
        cat /tmp/output
    done <<END
{cases}
END
}}
vm() {{
    each krun-vm
    for name in {hypercalls}; do
        krun-vm /bin/hypercall "$name"
        echo "RESULT hypercall $name $?"
    done
    krun-vm /bin/compat
    echo "RESULT compat jump $?"
}}
each env
vm
rmmod kvm-amd
insmod /modules/kvm-amd.ko npt=0
vm
cat /sys/module/kvm_amd/parameters/npt
"""


@pytest.fixture(scope="module")
def outcomes(static: Callable[[str], Path], krun_vm: Path) -> dict[str, list[tuple[int, str]]]:
    """Return status and output of each case: without a VM, with nested paging, with shadow paging."""
    programs = {stem: static(stem) for stem in (*LEFT_OUT, "hypercall", "compat")}
    job = JOB.format(cases="\n".join(CASES), hypercalls=" ".join(HYPERCALLS))
    ended = run(job, {"krun-vm": krun_vm, **programs}, timeout_s=400)
    assert ended.status == 0, ended.output
    assert ended.output.endswith("\nN\n"), "KVM could not be switched to shadow paging"
    found: dict[str, list[tuple[int, str]]] = {}
    for result in ended.output.split("RESULT ")[1:]:
        line, _, output = result.partition("\n")
        case, _, status = line.rpartition(" ")
        found.setdefault(case, []).append((int(status), output))
    return found


@pytest.mark.parametrize("case", CASES)
def test_case_ends_as_without_a_vm(case: str, outcomes: dict[str, list[tuple[int, str]]]) -> None:
    """What holds on the machine at hand holds on plain SVM, whoever walks the page tables."""
    native, nested, shadow = outcomes[case]
    assert native[0] not in cases.FAILED, native[1]
    assert nested[0] == native[0], nested[1]
    assert shadow[0] == native[0], shadow[1]


@pytest.mark.parametrize("case", HYPERCALLS)
def test_hypercalls_work(case: str, outcomes: dict[str, list[tuple[int, str]]]) -> None:
    """Calls by OUT are served, interrupted and made again."""
    assert [status for status, _ in outcomes[f"hypercall {case}"]] == [0, 0]


def test_program_cannot_enter_32_bit_code(outcomes: dict[str, list[tuple[int, str]]]) -> None:
    """On SVM a SYSCALL from there would run with privilege at an address of its own: the jump faults."""
    assert [status for status, _ in outcomes["compat jump"]] == [128 + 11] * 2
