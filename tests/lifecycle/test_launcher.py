"""The command `krun` itself: whose code it runs, and what it says when that is not there.

Out of scope: what the code does.
"""

from __future__ import annotations

import marshal
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def run(program: Path, *args: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a launcher and return what it printed."""
    return subprocess.run([program, *args], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_neither_the_environment_nor_the_directory_chooses_the_code(krun: Path, tmp_path: Path) -> None:
    """It runs as root: PYTHONPATH, PYTHONSTARTUP, PYTHONHOME and the working directory are the caller's."""
    for folder in (tmp_path / "krun", tmp_path):
        folder.mkdir(exist_ok=True)
        for name in ("__init__.py", "cli.py", "os.py", "site.py", "sitecustomize.py"):
            (folder / name).write_text("raise SystemExit('not this code')\n")
    environment = {
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": str(tmp_path),
        "PYTHONSTARTUP": str(tmp_path / "cli.py"),
        "PATH": str(tmp_path),
    }
    done = run(krun, "--version", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("krun version ")


def test_a_link_to_the_command_works(krun: Path, tmp_path: Path) -> None:
    """It looks for its package where it lies itself."""
    (tmp_path / "link").symlink_to(krun)
    assert run(tmp_path / "link", "--version").returncode == 0


def test_a_command_without_its_package_says_so(krun: Path, tmp_path: Path) -> None:
    """One line that names the place."""
    (tmp_path / "bin").mkdir()
    alone = Path(shutil.copy(krun, tmp_path / "bin" / "krun"))
    done = run(alone, "--version")
    assert done.returncode == 1
    assert done.stderr == (
        f"krun: the Python package krun is not installed below {tmp_path}/lib; install it again\n"
    )


def copy_of(krun: Path, folder: Path) -> tuple[Path, Path]:
    """Install krun in a folder too; return its launcher and its archive there."""
    installed = krun.parent.parent
    (package,) = installed.glob("lib/python3*/site-packages/krun")
    shutil.copytree(package, folder / package.relative_to(installed))
    (folder / "bin").mkdir()
    copy = Path(shutil.copy(krun, folder / "bin" / "krun"))
    (archive,) = (folder / package.relative_to(installed)).glob("archive.*[0-9]")
    return copy, archive


def test_a_package_of_another_python_is_found(krun: Path, tmp_path: Path) -> None:
    """One wheel serves every Python from 3.11 on; without that Python the line says which."""
    (tmp_path / "bin").mkdir()
    moved = Path(shutil.copy(krun, tmp_path / "bin" / "krun"))
    package = tmp_path / "lib" / "python3.99" / "site-packages" / "krun"
    package.mkdir(parents=True)
    (package / "cli.py").touch()
    done = run(moved, "--version")
    assert done.returncode == 1
    assert done.stderr == f"krun: needs Python 3.99, which is neither in {tmp_path}/bin nor in /usr/bin\n"


def test_without_an_archive_for_this_python_the_modules_are_imported_one_by_one(
    krun: Path, tmp_path: Path
) -> None:
    """One wheel serves every Python from 3.11 on, and the archive is that of the one that built it."""
    copy, archive = copy_of(krun, tmp_path)
    assert run(copy, "--version").stdout == run(krun, "--version").stdout != ""
    for compiled in (archive, archive.with_name(f"launch{archive.suffix}")):
        compiled.unlink()
        done = run(copy, "--version")
        assert (done.returncode, done.stderr, done.stdout) == (0, "", run(krun, "--version").stdout)


def test_the_archive_holds_every_module(krun: Path) -> None:
    """What lies beside it as source is in it, the modules that the build wrote too."""
    (package,) = krun.parent.parent.glob("lib/python3*/site-packages/krun")
    (path,) = package.glob("archive.*[0-9]")
    table = marshal.loads(path.read_bytes()[8:])  # noqa: S302 - what the build wrote
    places = {place for place, _, _ in table.values()}
    assert places == {f"krun/{source.relative_to(package)}" for source in package.rglob("*.py")}


REPLACED = """
import os, sys
from krun import launch
for name in [name for name in sys.modules if name.partition('.')[0] == 'krun']:
    del sys.modules[name]
launch.find_modules(sys.argv[1])
import krun.cli
with open(sys.argv[2] + '.new', 'wb') as other:
    other.write(bytes(1 << 20))
os.rename(sys.argv[2] + '.new', sys.argv[2])
import krun.commands.delete
print(krun.commands.delete.__spec__.loader.__class__.__name__)
"""


def test_a_krun_that_runs_while_it_is_installed_anew_keeps_its_own_code(krun: Path, tmp_path: Path) -> None:
    """A `krun run` in the foreground may import its last module days after its first."""
    (package,) = krun.parent.parent.glob("lib/python3*/site-packages/krun")
    shutil.copytree(package, tmp_path / "krun")
    (archive,) = (tmp_path / "krun").glob("archive.*[0-9]")
    done = run(Path(sys.executable), "-c", REPLACED, os.fspath(tmp_path), os.fspath(archive))
    assert (done.stdout, done.stderr) == ("Archive\n", "")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.symlink_to(path), "{path}: ELOOP"),
        (lambda path: path.mkdir(), "EISDIR"),
        (lambda path: path.write_bytes(b"\x09" + bytes(16)), "ValueError: bad marshal data"),
    ],
)
def test_code_that_cannot_be_loaded_is_one_line(
    krun: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    """No traceback, whatever the disk or a limit of the caller's does to it."""
    copy, archive = copy_of(krun, tmp_path)
    archive.unlink()
    damage(archive)
    done = run(copy, "--version")
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (1, 1, "")
    assert done.stderr.startswith(f"krun: its code cannot be loaded: {reason.format(path=archive)}")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_descriptors_that_are_closed_are_opened(krun: Path, tmp_path: Path, closed: str) -> None:
    """Or what krun opens next, its log here, would take their place and be written to."""
    log = tmp_path / "log"
    subprocess.run(
        ["sh", "-c", f'exec "$0" --log "$1" state nothing {closed}', os.fspath(krun), os.fspath(log)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    (line,) = log.read_text().splitlines()
    assert line.endswith('level=error msg="container \\"nothing\\" does not exist"')


def test_an_interrupt_while_it_starts_is_never_a_traceback(krun: Path, tmp_path: Path) -> None:
    """Ctrl-C ends it at whatever moment, and it has nothing to say about that."""
    said = set()
    for step in range(30):
        process = subprocess.Popen([krun, "--root", tmp_path, "list", "--quiet"], stderr=subprocess.PIPE)
        time.sleep(step / 1500)  # another moment of its start each time
        process.send_signal(signal.SIGINT)
        said.add((process.communicate(timeout=20)[1], process.returncode in (0, 130, -signal.SIGINT)))
    assert said == {(b"", True)}
