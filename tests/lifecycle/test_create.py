"""`krun create`: what it makes, what it hands over, and how it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.gate import Gate
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_the_container_is_created_and_not_running(runner: Runner, bundle: MakeBundle) -> None:
    """runtime.md#create: the user-specified program must not be run at this time.

    A process that joins runs from its beginning to its end meanwhile: there is all the time for it.
    """
    made = bundle(["touch", "/ran"])
    result = runner.ok("create", "--bundle", made, "c")
    assert (result.out, result.err) == ("", "")
    assert runner.state("c")["status"] == "created"
    runner.ok("exec", "c", "touch", "/joined")
    assert runner.state("c")["status"] == "created"
    runner.ok("delete", "c")
    assert (made.rootfs / "joined").exists()
    assert not (made.rootfs / "ran").exists()


def test_the_bundle_is_the_working_directory_by_default(runner: Runner, bundle: MakeBundle) -> None:
    """Shims call krun in the bundle."""
    made = bundle(["true"])
    runner.ok("create", "c", cwd=made.path)
    assert runner.state("c")["bundle"] == str(made)
    runner.ok("delete", "c")


def test_options_are_taken_in_every_spelling(runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
    """`--x y`, `--x=y`, `-x y` as Go's flag package has it, and options behind the id."""
    made = bundle(["true"])
    for number, words in enumerate(
        (
            ["--bundle", str(made), "c"],
            [f"--bundle={made}", "c"],
            ["-bundle", str(made), "c"],
            ["-b", str(made), "c"],
            ["c", "--bundle", str(made)],
        )
    ):
        pid_file = tmp_path / f"pid{number}"
        runner.ok("create", "--pid-file", pid_file, *words)
        assert pid_file.exists()
        runner.ok("delete", "c")


@pytest.mark.parametrize(
    ("option", "keyrings"),
    [("--no-subreaper", 1), ("-no-pivot", 1), ("--no-pivot", 1), ("--no-new-keyring", 0)],
)
def test_options_for_special_hosts_are_taken(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, option: str, keyrings: int
) -> None:
    """The payload has its root, and unless that is not wanted a session keyring of its own."""
    id = f"keys-{os.getpid()}-{tmp_path.name.rpartition('_')[2]}"  # as no other test's of this moment
    made = bundle(["sh", "-c", f"ls -d /bin; grep -c ' keyring *_ses.{id}:' /proc/keys; true"])
    made.config["linux"]["maskedPaths"].remove("/proc/keys")
    made.write()
    assert runner.ok("run", option, "--bundle", made, id).out == f"/bin\n{keyrings}\n"


def test_the_pid_file_is_decimal_without_newline(runner: Runner, bundle: MakeBundle, tmp_path: Path) -> None:
    """Shims parse it as it is."""
    runner.ok("create", "--bundle", bundle(["true"]), "--pid-file", tmp_path / "pid", "c")
    assert (tmp_path / "pid").read_text() == str(runner.state("c")["pid"])
    runner.ok("delete", "c")


def test_a_pid_file_that_cannot_be_written_leaves_nothing(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """The last step fails: all steps before it are undone."""
    pid_file = tmp_path / "missing" / "pid"
    line = runner.refused("create", "--bundle", bundle(["true"]), "--pid-file", pid_file, "c")
    assert line == f"krun: pid file {pid_file}: cannot be written: ENOENT"
    assert os.listdir(runner.root) == []


def test_an_id_is_taken_once(runner: Runner, bundle: MakeBundle, created: str) -> None:
    """runtime.md#create: an error if the id is not unique."""
    line = runner.refused("create", "--bundle", bundle(["true"], name="other"), created)
    assert line == f'krun: container with id exists: "{created}"'
    assert runner.state(created)["status"] == "created"
    runner.ok("delete", created)


def test_the_payload_gets_the_standard_descriptors_and_no_other(runner: Runner, bundle: MakeBundle) -> None:
    """A shim may leak descriptors into krun (CVE-2024-21626)."""
    reading, writing = os.pipe()
    try:
        result = runner.ok(
            "run",
            "--bundle",
            bundle(["sh", "-c", "ls /proc/$$/fd; exit"]),
            "c",
            pass_fds=(reading, writing),
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert result.out.split() == ["0", "1", "2"]


def test_preserved_descriptors_keep_their_numbers(runner: Runner, bundle: MakeBundle) -> None:
    """--preserve-fds N hands 3 to 2+N through, and nothing above."""
    command = runner.command(
        "run",
        "--preserve-fds",
        "2",
        "--bundle",
        bundle(["sh", "-c", "cat <&3; cat <&4; ls /proc/$$/fd; exit"]),
        "c",
    )
    script = 'exec 3<<<three 4<<<four 5<<<five; exec "$0" "$@"'
    done = subprocess.run(["bash", "-c", script, *command], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["three", "four", "0", "1", "2", "3", "4"]


def test_a_preserved_descriptor_that_is_not_open_is_refused(runner: Runner, bundle: MakeBundle) -> None:
    """krun's own descriptors never take the place of one that the caller did not open."""
    line = runner.refused("create", "--preserve-fds", "1", "--bundle", bundle(["true"]), "c")
    assert line == "krun: --preserve-fds: descriptor 3 is not open"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_to_create_undoes_it(
    runner: Runner, bundle: MakeBundle, tmp_path: Path, gate: Gate, number: signal.Signals
) -> None:
    """krun that is asked to stop while a hook runs leaves nothing, and says why it failed."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"echo here >{gate.path}; exec sleep 600"]}
    made = bundle(["true"], hooks={"prestart": [hook]})
    with (tmp_path / "err").open("wb") as err:
        krun = runner.start("create", "--bundle", made, "c", stderr=err)
        assert gate.read() == "here"
        krun.send_signal(number)
        assert krun.wait(30) == 1
    assert "interrupted" in (tmp_path / "err").read_text()
    assert os.listdir(runner.root) == []
