"""Resource limits bind the payload, in a VM as without one, and hinder neither krun nor the monitor.

specs/decisions/0008-limits.md says who enforces which.  Out of scope: cgroups.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from subprocess import DEVNULL, PIPE

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Result, Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

Run = Callable[..., Result]
MIB = 1 << 20
# A user that nobody else on the machine is: RLIMIT_NPROC counts all its processes.
LONELY_USER = 56471


@pytest.fixture
def run(runner: Runner, bundle: MakeBundle) -> Run:
    """Return a runner of a shell script, or arguments, under limits: name -> value, or (soft, hard)."""

    def run_limited(script: str | list[str], uid: int = 0, **limits: int | tuple[int, int]) -> Result:
        args = script if isinstance(script, list) else ["sh", "-c", script]
        made = bundle(args, uid=uid, gid=uid)
        pairs = {
            name: value if isinstance(value, tuple) else (value, value) for name, value in limits.items()
        }
        made.config["process"]["rlimits"] = [
            {"type": f"RLIMIT_{name}", "soft": soft, "hard": hard} for name, (soft, hard) in pairs.items()
        ]
        made.write()
        # Through pipes: a file would be bound by RLIMIT_FSIZE.
        process = runner.start("run", "--bundle", made, "c", stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
        out, err = (stream.decode() for stream in process.communicate(timeout=TIMEOUT_S))
        return Result(process.args, process.returncode, out, err)

    return run_limited


def test_every_limit_is_what_the_payload_is_told(run: Run) -> None:
    """config.md#posix-process: `rlimits` are set for the process."""
    result = run(
        "ulimit -a",
        AS=300 * MIB,
        CORE=0,
        CPU=100,
        DATA=200 * MIB,
        FSIZE=1 * MIB,
        LOCKS=12,
        MEMLOCK=64 << 10,
        MSGQUEUE=4096,
        NICE=0,
        NOFILE=77,
        NPROC=5000,
        RSS=8 * MIB,
        RTPRIO=0,
        SIGPENDING=33,
        STACK=256 << 10,
    )
    told = {line[line.index("(-") + 2]: line.split()[-1] for line in result.out.splitlines()}
    assert result.status == 0, result
    assert told == {
        "c": "0",
        "d": str(200 << 10),
        "e": "0",
        "f": "2048",  # blocks of 512 bytes
        "i": "33",
        "l": "64",
        "m": str(8 << 10),
        "n": "77",
        "q": "4096",
        "r": "0",
        "s": "256",
        "t": "100",
        "u": "5000",
        "v": str(300 << 10),
        "x": "12",
    }


def test_hard_limits_are_told_apart_from_soft_ones(run: Run) -> None:
    """A soft limit may go up to the hard one and no further, and takes effect at once."""
    script = "ulimit -Sn; ulimit -Hn; ulimit -Sn 9; ulimit -n; ulimit -Hn 20; ulimit -n 21 || ulimit -Hn"
    result = run(script, NOFILE=(8, 30))
    assert result.out.split() == ["8", "30", "9", "20"], result
    assert "error setting limit" in result.err


@pytest.mark.parametrize(
    ("name", "value"), [("AS", 64 * MIB), ("DATA", 8 * MIB), ("STACK", 64 << 10)], ids=str
)
def test_programs_run_under_a_small_limit_of_memory(run: Run, name: str, value: int) -> None:
    """What the limit leaves to a payload is enough for it, whatever the monitor needs for itself."""
    result = run("ls -d / | cat", **{name: value})
    assert (result.out, result.err, result.status) == ("/\n", "", 0)


@pytest.mark.parametrize("name", ["AS", "DATA"])
def test_memory_beyond_the_limit_is_refused(run: Run, name: str) -> None:
    """getrlimit(2): mmap and brk fail with ENOMEM, and what is below the limit is had."""
    read = "dd if=/dev/zero of=/dev/null count=1"
    result = run(f"{read} bs=40M && echo fits; {read} bs=70M || echo refused", **{name: 64 * MIB})
    assert result.out == "fits\nrefused\n", result
    assert "out of memory" in result.err


def test_a_limit_that_the_payload_sets_for_itself_holds_in_its_children(run: Run) -> None:
    """Limits are inherited by fork and kept by execve."""
    read = "dd if=/dev/zero of=/dev/null count=1 bs=70M"
    result = run(f"ulimit -v 65536; sh -c 'ulimit -v; {read} || echo refused'")
    assert result.out == "65536\nrefused\n", result


def test_descriptors_end_at_the_limit(run: Run) -> None:
    """EMFILE comes with the number that equals RLIMIT_NOFILE, and not before."""
    result = run("exec 3</; exec 4</; echo 4; exec 5</; echo 5", NOFILE=5)
    assert (result.out, result.status) == ("4\n", 1), result
    assert "Too many open files" in result.err


def test_processes_are_made_with_all_descriptors_in_use(run: Run) -> None:
    """Neither fork nor execve needs a descriptor of the payload's."""
    result = run("exec 3</; exec 4</; ls -d /; echo $?", NOFILE=5)
    assert (result.out, result.err) == ("/\n0\n", "")


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_payload_without_a_free_descriptor_runs(run: Run, number: int) -> None:
    """The limit is the payload's: the way to it needs descriptors, too."""
    result = run(["echo", "here"], NOFILE=number)
    assert (result.out, result.err, result.status) == ("here\n", "", 0)


def test_processes_end_at_the_limit(run: Run) -> None:
    """fork fails with EAGAIN, cleanly, where the user has as many processes as it may."""
    assert run("echo alone", uid=LONELY_USER, NPROC=1).out == "alone\n"


def test_a_process_too_many_is_refused(run: Run) -> None:
    """With two there are the shell and one child, and no pipeline."""
    result = run("ls -d /; echo one; ls -d / | cat; echo two", uid=LONELY_USER, NPROC=2)
    assert (result.out, result.status) == ("/\none\n", 2), result
    assert "Resource temporarily unavailable" in result.err


def test_no_process_beside_the_first_is_refused(run: Run) -> None:
    """A limit of one leaves none for a child, and nothing hangs."""
    result = run("(echo child); echo parent", uid=LONELY_USER, NPROC=1)
    assert (result.out, result.status) == ("", 2), result
    assert "Resource temporarily unavailable" in result.err


def test_files_end_at_the_limit(run: Run) -> None:
    """A write beyond RLIMIT_FSIZE is cut, the next one ends the process with SIGXFSZ."""
    result = run("dd if=/dev/zero of=/f bs=4096 count=1; echo $?; stat -c %s /f", FSIZE=1024)
    assert result.out == "153\n1024\n", result


def test_no_file_may_grow_and_programs_run(run: Run) -> None:
    """RLIMIT_FSIZE of 0 hits only what the payload writes: not the start, not its children."""
    result = run("ls -d /; /bin/ls -d / | cat; sh -c 'trap : XFSZ; echo x > /f'; echo $?", FSIZE=0)
    assert result.out == "/\n/\n1\n", result
    assert "File too large" in result.err


def test_long_arguments_reach_a_child_that_may_write_no_file(run: Run) -> None:
    """What execve is given arrives whole, empty arguments included."""
    script = 'a=$(seq 1 20000); sh -c \'echo "$#:$1:$3:${#2}"\' name "" "$a" last'
    result = run(script, FSIZE=0)
    assert result.out == "3::last:108893\n", result


def test_processor_time_ends_at_the_limit(run: Run) -> None:
    """SIGXCPU at the soft limit can be caught, SIGKILL comes at the hard one."""
    result = run("trap 'echo caught' XCPU; while :; do :; done", CPU=(1, 2))
    assert (result.out, result.status) == ("caught\n", 137), result


def test_a_program_that_does_not_fit_does_not_run(run: Run, runner: Runner) -> None:
    """Not even its image fits: natively the kernel ends it, the monitor refuses it before, with a reason."""
    status = {"none": 139, "builtin": 1}[runner.monitor]
    result = run(["echo", "here"], DATA=0)
    assert (result.out, result.status) == ("", status), result
    assert ("RLIMIT_DATA" in result.err) == (runner.monitor == "builtin")


def test_the_callers_small_stack_limit_does_not_bind_the_monitor(runner: Runner, bundle: MakeBundle) -> None:
    """`ulimit -s 64` leaves less than the monitor takes on its way; the payload has that limit."""
    command = runner.command("run", "--bundle", bundle(["sh", "-c", "ulimit -s"]), "c")
    script = 'ulimit -s 64; exec "$0" "$@"'
    done = subprocess.run(["bash", "-c", script, *command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("64\n", "", 0)
