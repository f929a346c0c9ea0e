"""The C core as Python sees it: the op table, spawning, sealed files, safe paths."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from pathlib import Path

import pytest

from krun.sys import native

pytestmark = pytest.mark.needs("busybox")


def run(script: str, inherit: tuple[int, ...] = (), tasks: tuple[int, ...] = ()) -> tuple[int, str]:
    """Run a shell script by spawn; return its status and what it wrote to descriptor 100."""
    pipe, writer = os.pipe()
    os.dup2(writer, 100, inheritable=False)
    image = native.memfd_sealed("busybox", "/bin/busybox")
    try:
        pid, pidfd = native.spawn(image, ("busybox", "sh", "-c", script), (100, *inherit), tasks)
        os.close(pidfd)
    finally:
        for fd in (writer, 100, image):
            os.close(fd)
    with open(pipe) as output:
        text = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def children() -> set[str]:
    """Return this process's children, the dead among them that nobody has waited for."""
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


def test_op_table_has_one_letter_for_each_operand() -> None:
    """Codes are unique, signatures and operand names agree."""
    table = native.op_table()
    assert len({code for code, _, _ in table.values()}) == len(table)
    for _, signature, operands in table.values():
        assert len(signature) == len(operands)
        assert set(signature) <= set("uisbS")
    assert table["HOSTNAME"] == (40, "s", ("name",))


def test_spawned_program_has_its_arguments_and_an_empty_environment() -> None:
    """The shell of busybox adds three variables of its own."""
    status, text = run("env >&100; exit 3")
    assert status == 3
    assert {line.split("=")[0] for line in text.split()} <= {"PATH", "PWD", "SHLVL"}


def test_spawned_program_has_the_inherited_descriptors_only() -> None:
    """An inheritable descriptor that is not named does not arrive, one that is named does."""
    leaked, named = os.open("/", os.O_RDONLY), os.open("/", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    try:
        _, text = run("ls /proc/self/fd >&100", (named,))
    finally:
        os.close(leaked)
        os.close(named)
    own_of_ls = 1
    assert len(text.split()) == len({0, 1, 2, 100, named}) + own_of_ls
    assert str(named) in text.split()


def test_spawned_program_has_default_signals() -> None:
    """Neither the mask nor what the caller ignores is passed on; the caller keeps its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _, text = run("grep -E '^Sig(Blk|Ign)' /proc/self/status >&100")
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.signal(signal.SIGHUP, ignored)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    blocked, ignoring = (int(line.split()[1], 16) for line in text.splitlines())
    assert blocked == 0
    # The caller's, and the one that Python ignores; the shell has its own ideas of SIGQUIT.
    assert ignoring & (1 << (signal.SIGHUP - 1) | 1 << (signal.SIGPIPE - 1)) == 0


def test_what_is_no_program_raises_and_leaves_nothing() -> None:
    """The errno is execve's; there is no child to wait for."""
    before = children()
    image = native.memfd_sealed("x", b"no program")
    try:
        with pytest.raises(OSError, match="Exec format error") as caught:
            native.spawn(image, ("x",))
    finally:
        os.close(image)
    assert caught.value.errno == errno.ENOEXEC
    assert children() == before


def test_descriptor_that_is_not_open_cannot_be_inherited() -> None:
    """EBADF, before anything is executed."""
    image = native.memfd_sealed("busybox", "/bin/busybox")
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            native.spawn(image, ("busybox", "true"), (999,))
    finally:
        os.close(image)


@pytest.mark.parametrize("source", ["bytes", "path"])
def test_sealed_file_cannot_be_changed(tmp_path: Path, source: str) -> None:
    """Content as given; no writing, growing, shrinking or unsealing (CVE-2019-5736)."""
    content = b"x" * 100_000
    (tmp_path / "file").write_bytes(content)
    fd = native.memfd_sealed("sealed", content if source == "bytes" else str(tmp_path / "file"))
    try:
        assert os.pread(fd, 200_000, 0) == content
        for change in (
            lambda: os.write(fd, b"y"),
            lambda: os.ftruncate(fd, 0),
            lambda: os.ftruncate(fd, 1 << 20),
        ):
            with pytest.raises(PermissionError):
                change()
        with pytest.raises(PermissionError):
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    finally:
        os.close(fd)


def test_missing_source_of_a_sealed_file_raises(tmp_path: Path) -> None:
    """And leaks no descriptor."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError):
        native.memfd_sealed("sealed", str(tmp_path / "missing"))
    assert os.listdir("/proc/self/fd") == before


def test_path_is_opened_as_the_container_would(tmp_path: Path) -> None:
    """Neither a link nor `..` leads out of the root; a magic link is refused."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("inside")
    (tmp_path / "link").symlink_to("/etc/../../../etc/passwd")
    root = os.open(tmp_path, os.O_PATH)
    host = os.open("/", os.O_PATH)
    try:
        with open(native.open_in_root(root, "/link", os.O_RDONLY)) as file:
            assert file.read() == "inside"
        with pytest.raises(FileNotFoundError, match="missing"):
            native.open_in_root(root, "../missing", os.O_RDONLY)
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            native.open_in_root(host, "proc/self/root/etc", os.O_RDONLY)
    finally:
        os.close(root)
        os.close(host)


@pytest.mark.needs("root", "cgroup_v1")
def test_a_child_is_born_in_its_cgroups() -> None:
    """In every hierarchy, from its first instruction, without being moved there by somebody else."""
    name = f"krun-test-{os.getpid()}-born"
    directories = [f"/sys/fs/cgroup/{controller}/{name}" for controller in ("pids", "freezer")]
    for directory in directories:
        os.mkdir(directory)
    tasks = [os.open(f"{directory}/tasks", os.O_WRONLY) for directory in directories]
    try:
        status, text = run("cat /proc/self/cgroup >&100", tasks=tuple(tasks))
    finally:
        for file in tasks:
            os.close(file)
        for directory in directories:
            os.rmdir(directory)
    assert status == 0
    for controller in ("pids", "freezer"):
        assert f":{controller}:/{name}\n" in text


def test_a_cgroup_that_cannot_be_entered_is_an_error() -> None:
    """And leaves no process."""
    before = children()
    with open("/dev/full", "wb") as tasks, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        run("exit 0", tasks=(tasks.fileno(),))
    assert children() == before
