"""The directories of containers: exclusive, atomic, and only krun's own."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from krun.errors import ContainerExists, HostError, KrunError, NoSuchContainer, WrongStatus
from krun.state import liveness, store
from krun.state.model import CREATED, CREATING, RUNNING, STOPPED, Container


def make(root: Path, id: str = "c", **fields: object) -> Container:
    """Store a container and return its record."""
    container: Container = Container(
        id=id,
        bundle="/b",
        rootfs="/b/r",
        oci_version="1.3.0",
        created="now",
        owner_uid=0,
        monitor="none",
    ).replace(**fields)
    with store.create(str(root), id) as held:
        held.save(container)
        Path(held.path, store.STARTED).touch()
    return container


def own_process() -> dict[str, int]:
    """Return the fields by which a record names this very process."""
    return {"pid": os.getpid(), "pid_start": liveness.start_time(os.getpid()) or 0}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """And saved again over the old one."""
    container = make(tmp_path)
    assert store.load(str(tmp_path), "c") == container
    changed: Container = container.replace(ready=True)
    with store.hold(str(tmp_path), "c") as held:
        held.save(changed)
    assert store.load(str(tmp_path), "c") == changed


def test_the_root_is_made(tmp_path: Path) -> None:
    """With the parents that are missing; only its owner can list it."""
    root = tmp_path / "a" / "b"
    make(root)
    assert root.stat().st_mode & 0o777 == 0o711
    assert (root / "c").stat().st_mode & 0o777 == 0o700


def test_a_root_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    """And not an existing container."""
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="is not a directory"):
        store.create(str(tmp_path / "file"), "c")


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    """Also by another runtime's directory."""
    make(tmp_path)
    (tmp_path / "foreign").mkdir()
    for id in ("c", "foreign"):
        with pytest.raises(ContainerExists):
            store.create(str(tmp_path), id)


def test_foreign_directories_are_no_containers(tmp_path: Path) -> None:
    """runc's and crun's containers live in the same root under docker."""
    make(tmp_path, "mine")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "state.json").write_text("{}")
    (tmp_path / "file").touch()
    assert [container.id for container in store.load_all(str(tmp_path))] == ["mine"]
    with pytest.raises(NoSuchContainer):
        store.load(str(tmp_path), "foreign")
    with pytest.raises(NoSuchContainer):
        store.hold(str(tmp_path), "foreign")
    store.remove_unfinished(str(tmp_path), "foreign")
    assert (tmp_path / "foreign" / "state.json").exists()


def test_no_root_means_no_containers(tmp_path: Path) -> None:
    """Nobody has made one yet."""
    assert list(store.load_all(str(tmp_path / "missing"))) == []


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    """With its file."""
    make(tmp_path)
    (tmp_path / "c" / store.RECORD).write_text("{")
    with pytest.raises(KrunError, match=r"c/krun\.json: line 1"):
        store.load(str(tmp_path), "c")


def test_one_holds_a_container_at_a_time(tmp_path: Path) -> None:
    """The second waits for the first."""
    make(tmp_path, ready=True)
    order: list[str] = []

    def second() -> None:
        with store.hold(str(tmp_path), "c"):
            order.append("second")

    with store.hold(str(tmp_path), "c"):
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_who_asks_for_a_container_that_is_being_created_does_not_wait(tmp_path: Path) -> None:
    """It may be a hook that `create` itself waits for; only a deletion by force takes what is unfinished."""
    make(tmp_path)
    with (
        store.hold(str(tmp_path), "c"),
        pytest.raises(WrongStatus, match=r'^container "c" is not created yet: creating$'),
    ):
        store.hold(str(tmp_path), "c")
    store.hold(str(tmp_path), "c", also_unfinished=True).release()


def test_who_waited_for_a_container_that_was_removed_is_told(tmp_path: Path) -> None:
    """A lock on an unlinked file holds nothing."""
    make(tmp_path, ready=True)
    result: list[type[BaseException]] = []

    def second() -> None:
        try:
            store.hold(str(tmp_path), "c").release()
        except NoSuchContainer as error:
            result.append(type(error))

    with store.hold(str(tmp_path), "c") as held:
        thread = threading.Thread(target=second)
        thread.start()
        held.remove()
    thread.join()
    assert result == [NoSuchContainer]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("left", [(), (store.LOCK,), (store.LOCK, "krun.json.new")], ids=str)
def test_what_a_killed_create_left_is_removed(tmp_path: Path, left: tuple[str, ...]) -> None:
    """Before there was a record."""
    (tmp_path / "c").mkdir()
    for name in left:
        (tmp_path / "c" / name).touch()
    store.remove_unfinished(str(tmp_path), "c")
    assert os.listdir(tmp_path) == []


class TestStatus:
    """specs/barrier.md#status."""

    def test_alive_and_not_started_is_created(self, tmp_path: Path) -> None:
        """`started` is empty."""
        container = make(tmp_path, ready=True, **own_process())
        assert store.status(str(tmp_path), container) == CREATED

    def test_alive_and_started_is_running(self, tmp_path: Path) -> None:
        """There is a byte in `started`."""
        container = make(tmp_path, ready=True, **own_process())
        (tmp_path / "c" / store.STARTED).write_text("1")
        assert store.status(str(tmp_path), container) == RUNNING

    def test_without_a_process_it_is_stopped(self, tmp_path: Path) -> None:
        """Or with one of another start time."""
        assert store.status(str(tmp_path), make(tmp_path, "a")) == STOPPED
        reused = own_process() | {"pid_start": 1}
        assert store.status(str(tmp_path), make(tmp_path, "b", **reused)) == STOPPED

    def test_while_create_works_it_is_creating(self, tmp_path: Path) -> None:
        """Its lock tells; one that was killed holds none."""
        container = make(tmp_path, **own_process())
        with store.hold(str(tmp_path), "c"):
            assert store.status(str(tmp_path), container) == CREATING
        assert store.status(str(tmp_path), container) == CREATED


class TestLiveness:
    """Processes of the past."""

    def test_a_zombie_is_dead(self) -> None:
        """Its parent may never come to reap it."""
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert liveness.start_time(pid) is None
        os.waitpid(pid, 0)
        assert liveness.start_time(pid) is None

    def test_a_living_process_is_found_by_pid_and_start(self) -> None:
        """Both have to fit."""
        own = own_process()
        pidfd = liveness.open_process(own["pid"], own["pid_start"])
        assert pidfd is not None
        assert not liveness.wait_for_end(pidfd, 0)
        os.close(pidfd)
        assert liveness.open_process(own["pid"], own["pid_start"] + 1) is None
        assert not liveness.is_alive(0, 0)

    def test_the_name_of_a_program_may_hold_anything(self) -> None:
        """/proc/PID/stat has it in parentheses, unescaped."""
        pid = os.fork()
        if pid == 0:
            with open("/proc/self/comm", "w", encoding="ascii") as file:
                file.write(") R 1 (")
            os.read(0, 0)
            os.kill(os.getpid(), 19)
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        start = liveness.start_time(pid)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        assert start is not None
        assert start >= (liveness.start_time(os.getpid()) or 0)


def test_a_directory_that_was_destroyed_meanwhile_is_no_failure_of_removing_it(tmp_path: Path) -> None:
    """After a failed poststart hook the container is gone before its creation is undone."""
    with store.create(str(tmp_path), "c") as held:
        held.remove()
        held.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_too_long_is_refused_in_a_short_line(tmp_path: Path) -> None:
    """No recursion through thousands of parents, and no message of thousands of characters."""
    with pytest.raises(HostError, match="too long a path") as caught:
        store.create(f"{tmp_path}/" + "x/" * 2500, "c")
    assert len(str(caught.value)) < 200


def test_an_id_that_is_too_long_for_the_file_system_is_named(tmp_path: Path) -> None:
    """The specification allows 1024 characters, a file name has at most 255."""
    with pytest.raises(HostError, match=f"{'i' * 256}: ENAMETOOLONG$"):
        store.create(str(tmp_path), "i" * 256)


def test_a_state_that_cannot_be_written_is_named_with_its_path(tmp_path: Path) -> None:
    """A full disk gives the file and the errno."""
    with store.create(str(tmp_path), "c") as held:
        os.symlink("/dev/full", f"{held.path}/{store.PROCESS}")
        with pytest.raises(HostError, match=rf"{held.path}/{store.PROCESS}: ENOSPC$"):
            held.save_process({"a": 1})
        held.remove()
