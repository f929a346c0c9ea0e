"""Intel RDT, carried out on a tree that behaves as the kernel's: making a directory fills it with files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from krun.errors import HostError, KrunError, Unsupported
from krun.execute import rdt
from krun.execute.rdt import RdtRecord, change
from krun.execute.rdt_stats import read_rdt_stats
from krun.execute.undo import Undo
from krun.plan.rdt import RdtPlan

L3, MB = "L3:0=f;1=ff", "MB:0=20"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a resctrl tree."""

    def fill(directory: Path) -> None:
        (directory / "tasks").touch()
        (directory / "schemata").write_text("    L3:0=7ff;1=7ff\n    MB:0=100\n")
        (directory / "mon_groups").mkdir(exist_ok=True)

    def mkdir(path: str, _mode: int = 0o777) -> None:
        Path(path).mkdir()
        fill(Path(path))

    monkeypatch.setattr(rdt.os, "mkdir", mkdir)
    monkeypatch.setattr(rdt.os, "rmdir", shutil.rmtree)
    fill(tmp_path)
    return tmp_path


def plan(directory: Path, **changes: object) -> RdtPlan:
    """Return a plan for a class that may be made."""
    base = RdtPlan(str(directory), False, False, (), (), "")
    return base.replace(**changes)  # type: ignore[no-any-return]  # replace() returns its own type


def carried_out(planned: RdtPlan, pid: int = 42) -> rdt.RdtRecord:
    """Carry out a plan."""
    record = rdt.prepare(planned)
    with Undo() as undo:
        rdt.create(planned, undo)
        rdt.enter(record, pid)
    return record


def test_own_class_is_made_and_removed(tree: Path) -> None:
    """If closID is not set and the runtime has created the directory, it MUST remove it."""
    record = carried_out(plan(tree / "c1", is_own=True))
    assert (tree / "c1/tasks").read_text() == "42\n"
    rdt.remove(rdt.rdt_record(rdt.as_document(record)))
    assert not (tree / "c1").exists()
    rdt.remove(record)  # what is gone is no error


def test_own_class_that_was_there_is_not_removed(tree: Path) -> None:
    """If the runtime has not created it, it MUST NOT remove it."""
    rdt.os.mkdir(str(tree / "c1"))
    rdt.remove(carried_out(plan(tree / "c1", is_own=True)))
    assert (tree / "c1").exists()


def test_given_class_is_made_and_stays(tree: Path) -> None:
    """If closID is set, the runtime MUST NOT remove the directory."""
    rdt.remove(carried_out(plan(tree / "k", schemata=(L3,), compared=(L3,))))
    assert (tree / "k/schemata").read_text().startswith(f"{L3}\n")


def test_schemata_are_written_a_line_each_in_order(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes a write as a whole; a later line may overrule an earlier one."""
    written: list[tuple[int, bytes]] = []
    write = rdt.os.write
    monkeypatch.setattr(rdt.os, "write", lambda fd, data: written.append((fd, data)) or write(fd, data))
    carried_out(plan(tree / "k", schemata=(L3, MB, "L2:0=1")))
    assert [data for _, data in written] == [b"L3:0=f;1=ff\n", b"MB:0=20\n", b"L2:0=1\n", b"42\n"]


def test_without_schemata_none_is_written(tree: Path) -> None:
    """Runtimes MUST NOT write to schemata files."""
    before = (tree / "schemata").read_text()
    carried_out(plan(tree, must_exist=True))
    assert (tree / "schemata").read_text() == before
    assert (tree / "tasks").read_text() == "42\n"


def test_a_class_that_has_to_be_there_and_is_not_is_an_error(tree: Path) -> None:
    """And nothing is made."""
    with pytest.raises(Unsupported, match=r"^\$\.linux\.intelRdt\.closID: there is no "):
        rdt.prepare(plan(tree / "k", must_exist=True))
    assert not (tree / "k").exists()


@pytest.mark.parametrize("wanted", [("L3:0=7ff",), ("L3:1=07FF;0=7ff", "MB:0=100"), ("MB:0=100",)])
def test_a_class_with_the_same_schemata_is_taken(tree: Path, wanted: tuple[str, ...]) -> None:
    """In whatever order, and however the masks are written."""
    rdt.os.mkdir(str(tree / "k"))
    assert rdt.prepare(plan(tree / "k", compared=wanted)).groups == (str(tree / "k"),)


@pytest.mark.parametrize("wanted", ["L3:0=7fe", "L3:2=7ff", "MB:0=10", "L2:0=1"])
def test_a_class_with_other_schemata_is_an_error(tree: Path, wanted: str) -> None:
    """Runtimes MUST compare the values with the file and generate an error if they do not match."""
    rdt.os.mkdir(str(tree / "k"))
    with pytest.raises(Unsupported, match=r"^\$\.linux\.intelRdt: .*/k has "):
        rdt.prepare(plan(tree / "k", compared=(wanted,)))


def test_monitoring_group_is_made_entered_and_removed(tree: Path) -> None:
    """The runtime MUST create it, and delete it after the container is deleted, also in a given class."""
    group = tree / "mon_groups/c1"
    record = carried_out(plan(tree, must_exist=True, monitoring_group=str(group)))
    assert (group / "tasks").read_text() == (tree / "tasks").read_text() == "42\n"
    rdt.remove(record)
    assert not group.exists()
    assert tree.exists()


def test_a_monitoring_group_that_cannot_be_made_is_an_error(tree: Path) -> None:
    """The runtime MUST return an error, and what was made before it is taken back."""
    shutil.rmtree(tree / "mon_groups")
    planned = plan(tree / "k", is_own=True, monitoring_group=str(tree / "no/mon_groups/c1"))
    rdt.prepare(planned)
    with pytest.raises(Unsupported, match=r"^\$\.linux\.intelRdt: cannot make .*: ENOENT"), Undo() as undo:
        rdt.create(planned, undo)
    assert not (tree / "k").exists()


def test_a_monitoring_group_of_somebody_elses_is_an_error(tree: Path) -> None:
    """It would be removed with this container."""
    group = tree / "mon_groups/c1"
    rdt.os.mkdir(str(group))
    planned = plan(tree, must_exist=True, monitoring_group=str(group))
    with pytest.raises(Unsupported, match="is there already"), Undo() as undo:
        rdt.create(planned, undo)
    assert group.exists()


def test_a_schema_that_the_kernel_refuses_is_named(tree: Path) -> None:
    """With its line."""
    (tree / "schemata").unlink()
    planned = plan(tree, schemata=(L3,))
    refusal = rf"^\$\.linux\.intelRdt: the kernel refuses the schema {L3}: ENOENT$"
    with pytest.raises(Unsupported, match=refusal), Undo() as undo:
        rdt.create(planned, undo)


def test_a_group_that_cannot_be_entered_is_an_error(tree: Path) -> None:
    """With the pid and the directory."""
    with pytest.raises(HostError, match=r"^process 42 cannot enter .*/gone: ENOENT$"):
        rdt.enter(rdt.RdtRecord((str(tree / "gone"),), ()), 42)


def test_statistics_are_the_schemata_and_what_the_group_counts(tmp_path: Path) -> None:
    """runc's names; a number for each cache."""
    group = tmp_path / "mon_groups/c"
    (tmp_path / "schemata").write_text("    L3:0=ff;1=ff\n    MB:0=100\n    L2:0=f\n")
    group.mkdir(parents=True)
    for cache, used in (("mon_L3_00", 7), ("mon_L3_01", 9)):
        (group / "mon_data" / cache).mkdir(parents=True)
        (group / "mon_data" / cache / "llc_occupancy").write_text(f"{used}\n")
    assert read_rdt_stats(RdtRecord((str(tmp_path), str(group)), ())) == {
        "l3_cache_schema": "L3:0=ff;1=ff",
        "mem_bw_schema": "MB:0=100",
        "cmt_stats": [{"llc_occupancy": 7}, {"llc_occupancy": 9}],
    }


def test_a_schema_is_changed_and_taken_back(tmp_path: Path) -> None:
    """update: all or nothing."""
    (tmp_path / "schemata").write_text("L3:0=ff\n")
    record = RdtRecord((str(tmp_path),), ())
    undo = Undo()
    change(record, ["L3:0=f"], undo)
    assert (tmp_path / "schemata").read_text().startswith("L3:0=f\n")
    undo.__exit__(KrunError, KrunError("a later step fails"), None)
    assert (tmp_path / "schemata").read_text().startswith("L3:0=ff")
