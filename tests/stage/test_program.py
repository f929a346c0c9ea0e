"""A program is checked as a whole before anything of it runs (csrc/include/kr/ops.h)."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from support.stage import StageRunner

from krun.sys import native

MAKE_DIRECTORY = native.op_table()["MAKE_DIRECTORY"][0]
HEADER_BYTES = 16 + 4 * native.FD_COUNT


def string(text: bytes) -> bytes:
    """Encode a string operand."""
    return struct.pack("<I", len(text)) + text + b"\0"


def record(code: int, operands: bytes, *, zero: int = 0, size: int | None = None) -> bytes:
    """Encode an operation."""
    return struct.pack("<HHI", code, zero, len(operands) if size is None else size) + operands


def program(*records: bytes, count: int | None = None, version: int = 1, surplus: int = 0) -> bytes:
    """Encode a program; `SYNC` stands for the socket's number."""
    body = b"".join(records)
    head = b"KRPL" + struct.pack(
        "<III", version, HEADER_BYTES + len(body) + surplus, len(records) if count is None else count
    )
    return head + b"SYNC" + struct.pack("<i", -1) * (native.FD_COUNT - 1) + body


@pytest.fixture
def forbidden(tmp_path: Path) -> Path:
    """Return a directory that a first, good operation would make."""
    return tmp_path / "made"


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (record(9999, b""), "EBADMSG no operation has the code 9999"),
        (record(MAKE_DIRECTORY, string(b"/x")), 'EBADMSG the operands of MAKE_DIRECTORY are not "su"'),
        (
            record(MAKE_DIRECTORY, string(b"/x") + bytes(9)),
            'EBADMSG the operands of MAKE_DIRECTORY are not "su"',
        ),
        (
            record(MAKE_DIRECTORY, string(b"/\0x") + bytes(8)),
            'EBADMSG the operands of MAKE_DIRECTORY are not "su"',
        ),
        (
            record(MAKE_DIRECTORY, b"\xff\xff\xff\xff/x\0"),
            'EBADMSG the operands of MAKE_DIRECTORY are not "su"',
        ),
        (record(MAKE_DIRECTORY, b"", size=80), "EBADMSG the program ends within this operation"),
        (
            record(MAKE_DIRECTORY, string(b"/x") + bytes(8), zero=1),
            "EBADMSG the program ends within this operation",
        ),
    ],
    ids=["unknown-code", "missing", "surplus", "inner-nul", "huge-length", "truncated", "reserved"],
)
def test_broken_operation_is_refused_before_any_runs(
    stage: StageRunner, tmp_path: Path, broken: bytes, text: str
) -> None:
    """The error names the operation by its index; the good one before it has not run."""
    made = tmp_path / "made"
    open_root = record(native.op_table()["OPEN_ROOT"][0], string(os.fsencode(tmp_path)))
    good = record(MAKE_DIRECTORY, string(b"/made") + struct.pack("<Q", 0o755))
    outcome = stage.run_bytes(program(open_root, good, broken))
    assert outcome.error == (2, text)
    assert os.waitstatus_to_exitcode(outcome.stage_status or 0) == 1
    assert not made.exists()


def test_surplus_bytes_are_refused(stage: StageRunner) -> None:
    """Nothing may follow the last operation."""
    outcome = stage.run_bytes(program(record(native.op_table()["NEW_SESSION"][0], b""), count=0))
    assert outcome.error is not None
    assert outcome.error[1] == "EBADMSG 8 bytes follow the last operation"


@pytest.mark.parametrize(
    "data",
    [b"KRPL", b"XXXX" + program()[4:], program(version=2), program(surplus=1)],
    ids=["short", "magic", "version", "size"],
)
def test_broken_header_ends_krun_init(stage: StageRunner, data: bytes) -> None:
    """Where the socket is not known, the exit status has to say it."""
    outcome = stage.run_bytes(data)
    assert outcome.error is None
    assert os.waitstatus_to_exitcode(outcome.stage_status or 0) == 1


def test_death_of_the_runtime_ends_init(stage: StageRunner, tmp_path: Path) -> None:
    """A side that reads end of file ends: nothing runs on behalf of a runtime that is gone."""
    stage.hang_up_at = native.MSG_INIT
    spawn = record(native.op_table()["SPAWN_INIT"][0], b"")
    open_root = record(native.op_table()["OPEN_ROOT"][0], string(os.fsencode(tmp_path)))
    outcome = stage.run_bytes(program(spawn, open_root))
    assert outcome.init_pid > 0
    assert os.waitstatus_to_exitcode(outcome.status or 0) == 1


@pytest.mark.parametrize("args", [(), ("x",), ("1",), ("999",), ("3x",), ("-3",), ("3", "4")])
def test_wrong_arguments_are_refused(stage: StageRunner, args: tuple[str, ...]) -> None:
    """krun-init takes one argument, the number of a descriptor of its own."""
    pid, pidfd = native.spawn(stage.image, ("krun-init", *args))
    os.close(pidfd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
