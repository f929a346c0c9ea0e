"""`start`'s side of specs/barrier.md, with a writer that does what init would."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from krun.errors import KrunError, PayloadError, WrongStatus
from krun.execute.barrier import make_fifo, make_started, release


class Init:
    """A process that stands for init: it lives until told otherwise."""

    def __init__(self, folder: Path) -> None:
        """Make the files and the process."""
        self.fifo, self.started = str(folder / "exec.fifo"), str(folder / "started")
        for file in (make_fifo(self.fifo), make_started(self.started)):
            os.close(file)
        reading, self._life = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._life)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        self.pidfd = os.pidfd_open(self.pid)

    def release(self) -> None:
        """Do what `start` does."""
        release("c", self.fifo, self.started, self.pidfd)

    def end(self) -> None:
        """End the process."""
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def write(self, *records: bytes, starts: bool = True, ends: bool = False) -> None:
        """Pass the barrier as init does: open, `started`, records, close."""
        pipe = os.open(self.fifo, os.O_WRONLY)
        if starts:
            Path(self.started).write_bytes(b"1")
        for record in records:
            os.write(pipe, record)
        os.close(pipe)
        if ends:
            self.end()


@pytest.fixture
def init(tmp_path: Path) -> Iterator[Init]:
    """Return an init that waits."""
    made = Init(tmp_path)
    yield made
    made.end()
    os.waitpid(made.pid, 0)
    os.close(made.pidfd)


def beside(work: Callable[[], None]) -> threading.Thread:
    """Do something at the same time."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_ready_init_is_released(init: Init) -> None:
    """End of file after `ready`; the pipe is removed."""
    thread = beside(lambda: init.write(b"ready\n"))
    init.release()
    thread.join()
    assert not os.path.exists(init.fifo)


def test_a_second_start_is_refused(init: Init) -> None:
    """The pipe is gone."""
    thread = beside(lambda: init.write(b"ready\n"))
    init.release()
    thread.join()
    with pytest.raises(WrongStatus, match="already running"):
        init.release()


def test_a_start_after_one_that_was_killed_is_refused(init: Init) -> None:
    """The byte in `started` tells; there is no writer any more, and nothing to wait for."""
    reader = os.open(init.fifo, os.O_RDONLY | os.O_NONBLOCK)
    init.write(b"ready\n")
    os.close(reader)
    with pytest.raises(WrongStatus, match="already running"):
        init.release()


def test_a_byte_that_answers_this_very_start_is_no_earlier_one(
    init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Init may be quick: released by the opening, it has written everything before `start` looks."""
    stat = os.stat

    def slow_stat(path: str) -> os.stat_result:
        thread.join()
        return stat(path)

    thread = beside(lambda: init.write(b"ready\n"))
    monkeypatch.setattr("krun.execute.barrier.os.stat", slow_stat)
    init.release()


def test_the_error_of_a_failed_exec_comes_out(init: Init) -> None:
    """In init's words."""
    thread = beside(lambda: init.write(b"ready\n", b"error 71 ENOEXEC /bin/x: no program\n", ends=True))
    with pytest.raises(PayloadError, match=r"^/bin/x: no program$"):
        init.release()
    thread.join()


def test_an_init_that_died_on_the_way_is_an_error(init: Init) -> None:
    """Never a hang."""
    thread = beside(init.end)
    with pytest.raises(KrunError, match="ended before its process was started"):
        init.release()
    thread.join()


def test_a_writer_that_ends_without_a_word_is_an_error(init: Init) -> None:
    """It came, and died before it was ready."""
    thread = beside(lambda: init.write(starts=False, ends=True))
    with pytest.raises(KrunError, match="ended before its process was started"):
        init.release()
    thread.join()


def test_an_init_that_was_ready_and_has_ended_was_started(init: Init) -> None:
    """A short payload is no failure."""
    thread = beside(lambda: init.write(b"ready\n", ends=True))
    init.release()
    thread.join()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("error 7 EPERM load the filter", "load the filter: EPERM"),
        ("error 7 ENOENT exec: no such file", "exec: no such file"),
        ("error 7 ENOMEM the machine has no memory: ENOMEM", "the machine has no memory: ENOMEM"),
        ("error - ENOEXEC x is an empty file", "x is an empty file"),
        ("error 7 E? strange", "strange"),
    ],
)
def test_errors_have_the_name_of_their_errno(init: Init, record: str, words: str) -> None:
    """Unless the words say it all, or clients look for them."""
    writer = threading.Thread(target=init.write, args=(f"{record}\n".encode(),), kwargs={"ends": True})
    writer.start()
    with pytest.raises(PayloadError) as caught:
        init.release()
    writer.join()
    assert str(caught.value) == words
