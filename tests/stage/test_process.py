"""The process: limits, umask, user, capabilities, seccomp, directory, descriptors, program."""

from __future__ import annotations

import os
import resource
import struct
from pathlib import Path

import pytest
from support.stage import PROC, StageRunner, opening, payload, shell

from krun.plan import ops
from krun.sys import native
from krun.types import Record

pytestmark = pytest.mark.needs("root", "busybox")

CAP_CHOWN, CAP_KILL, CAP_NET_BIND_SERVICE = 1 << 0, 1 << 5, 1 << 10
CAP_SYS_RESOURCE = 1 << 24


def status_fields(text: str) -> dict[str, str]:
    """Read /proc/self/status from the payload's output."""
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def test_limits_are_set(stage: StageRunner, root: Path) -> None:
    """A soft and a hard value."""
    limit = ops.Rlimit(resource.RLIMIT_NOFILE, 64, 128)
    outcome = stage.run([*opening(root), ops.PivotRoot(), limit, *shell("ulimit -Sn; ulimit -Hn")])
    assert outcome.output == "64\n128\n"


def test_impossible_limit_is_named(stage: StageRunner) -> None:
    """Soft above hard is the kernel's EINVAL."""
    outcome = stage.run([ops.Rlimit(resource.RLIMIT_NOFILE, 2, 1)])
    assert outcome.error == (0, "EINVAL set RLIMIT_NOFILE to 2 of 1")


def test_umask_is_set(stage: StageRunner, root: Path) -> None:
    """The configured umask, and 0022 without one, whatever the runtime's own is."""
    begin = [*opening(root), ops.PivotRoot()]
    before = os.umask(0o077)
    try:
        assert stage.run([*begin, ops.Umask(0o027), *shell("umask")]).output == "0027\n"
        assert stage.run([*begin, *shell("umask")]).output == "0022\n"
    finally:
        os.umask(before)


def test_oom_score_is_set(stage: StageRunner, root: Path) -> None:
    """In init and, because a child inherits it, in the stage already."""
    script = shell("cat /proc/self/oom_score_adj")
    assert stage.run([*opening(root), PROC, ops.PivotRoot(), ops.OomScoreAdj(500), *script]).output == "500\n"
    assert stage.run([ops.OomScoreAdj(501), *opening(root), PROC, ops.PivotRoot(), *script]).output == "501\n"


def test_user_groups_and_streams(stage: StageRunner, root: Path) -> None:
    """The user owns the pipe that is its standard output, and may open it again."""
    user = ops.User(1000, 1001, struct.pack("<2I", 7, 8))
    script = "id -u; id -g; id -G; stat -Lc %u /proc/self/fd/1; echo again > /proc/self/fd/1"
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), user, *shell(script)])
    assert outcome.output.splitlines() == ["1000", "1001", "1001 7 8", "1000", "again"]


def test_null_device_keeps_its_owner(stage: StageRunner, root: Path) -> None:
    """Streams on the host's /dev/null are not given to the container's user."""
    own = os.dup(0)
    null = os.open("/dev/null", os.O_RDWR)
    try:
        os.dup2(null, 0)
        outcome = stage.run(
            [*opening(root), PROC, ops.PivotRoot(), ops.User(1000, 1000, b""), *shell("id -u")]
        )
    finally:
        os.dup2(own, 0)
        os.close(own)
        os.close(null)
    assert outcome.output == "1000\n"
    assert Path("/dev/null").stat().st_uid == 0


def test_exactly_the_named_capabilities(stage: StageRunner, root: Path) -> None:
    """Five sets, as masks, for a user who is not root."""
    program = [
        *opening(root),
        PROC,
        ops.PivotRoot(),
        ops.BoundCapabilities(CAP_CHOWN | CAP_KILL | CAP_NET_BIND_SERVICE),
        ops.User(1000, 1000, b""),
        ops.Capabilities(CAP_KILL, CAP_KILL | CAP_CHOWN, CAP_KILL, CAP_KILL),
        *payload("cat", "/proc/self/status"),
    ]
    fields = status_fields(stage.run(program).output)
    sets = {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    # An exec of a plain user keeps the ambient ones.
    assert sets == {
        "CapInh": CAP_KILL,
        "CapPrm": CAP_KILL,
        "CapEff": CAP_KILL,
        "CapBnd": CAP_CHOWN | CAP_KILL | CAP_NET_BIND_SERVICE,
        "CapAmb": CAP_KILL,
    }


def test_root_without_capabilities_has_none(stage: StageRunner, root: Path) -> None:
    """CVE-2022-29162: nothing is inheritable unless it is named."""
    program = [
        *opening(root),
        PROC,
        ops.PivotRoot(),
        ops.BoundCapabilities(0),
        ops.User(0, 0, b""),
        ops.Capabilities(0, 0, 0, 0),
        *payload("cat", "/proc/self/status"),
    ]
    fields = status_fields(stage.run(program).output)
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}


def test_capability_that_cannot_be_had_is_a_warning(stage: StageRunner, root: Path) -> None:
    """Config.md: what cannot be granted is told, not refused."""
    lost = ops.Capabilities(0, 0, 0, 0)
    outcome = stage.run(
        [*opening(root), ops.PivotRoot(), lost, ops.Capabilities(CAP_KILL, CAP_KILL, 0, 0), *shell("true")]
    )
    assert outcome.error is None
    assert outcome.log == [
        "capabilities 0x20 cannot be had in the permitted set",
        "capabilities 0x20 cannot be had in the effective set",
    ]


def test_no_new_privileges(stage: StageRunner, root: Path) -> None:
    """The bit is set for the payload."""
    program = [
        *opening(root),
        PROC,
        ops.PivotRoot(),
        ops.NoNewPrivileges(),
        *payload("cat", "/proc/self/status"),
    ]
    assert status_fields(stage.run(program).output)["NoNewPrivs"] == "1"


class Rule(Record):
    """An entry of `linux.seccomp.syscalls`."""

    names: tuple[str, ...]
    action: str
    errno_ret: int | None = None
    args: tuple[object, ...] = ()


def test_seccomp_filter_is_in_force(stage: StageRunner, root: Path) -> None:
    """A compiled profile makes mkdir fail with its errno, for a user without privileges."""
    rules = (Rule(("mkdir", "mkdirat", "nonsense"), "SCMP_ACT_ERRNO", 28),)
    profile = native.compile_seccomp("SCMP_ACT_ALLOW", None, ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"), rules)
    program = [
        *opening(root),
        ops.PivotRoot(),
        ops.User(1000, 1000, b""),
        ops.Capabilities(0, 0, 0, 0),
        ops.NoNewPrivileges(),
        ops.Seccomp(0, profile),  # type: ignore[arg-type]  # compiled already
        *shell("/bin/busybox mkdir /x 2>&1"),
    ]
    assert stage.run(program).output == "mkdir: can't create directory '/x': No space left on device\n"


@pytest.mark.parametrize("filter_", [b"", bytes(7)])
def test_broken_filter_is_refused(stage: StageRunner, filter_: bytes) -> None:
    """Only whole instructions are a filter."""
    outcome = stage.run([ops.Seccomp(0, filter_)])  # type: ignore[arg-type]  # compiled already
    assert outcome.error == (0, f"EINVAL load the seccomp filter: {len(filter_)} bytes are no filter")


def test_missing_working_directory_is_made(stage: StageRunner, root: Path) -> None:
    """As runc: a working directory that the image lacks is made."""
    program = [*opening(root), ops.PivotRoot(), *payload("pwd", directory="/not/there")]
    assert stage.run(program).output == "/not/there\n"


def test_working_directory_that_is_a_file_fails(stage: StageRunner, root: Path) -> None:
    """The path stands in the error."""
    outcome = stage.run([*opening(root), ops.PivotRoot(), *payload("pwd", directory="/bin/sh")])
    assert outcome.error == (7, "ENOTDIR change the directory to /bin/sh")


def test_payload_has_its_streams_only(stage: StageRunner, root: Path) -> None:
    """CVE-2024-21626: no descriptor of the runtime or of its caller reaches the payload."""
    leaked = os.open("/etc", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    try:
        outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), *payload("ls", "/proc/self/fd")])
    finally:
        os.close(leaked)
    # The last one is ls's own, for the directory.
    assert outcome.output.split() == ["0", "1", "2", "3"]


def test_preserved_descriptors_reach_the_payload(stage: StageRunner, root: Path) -> None:
    """--preserve-fds: those above the standard streams stay, at their own numbers."""
    pipe, writer = os.pipe()
    os.write(writer, b"kept\n")
    program = [
        *opening(root),
        ops.PivotRoot(),
        ops.ContainDescriptors(pipe - 2),
        ops.FindProgram("sh", ("/bin",)),
        ops.Barrier(),
        ops.Execute(("sh", "-c", f"read line <&{pipe} && echo $line"), ()),
    ]
    try:
        outcome = stage.run(program, preserved=(pipe,))
    finally:
        os.close(pipe)
        os.close(writer)
    assert outcome.output == "kept\n"


def test_role_is_never_the_payloads(stage: StageRunner, root: Path) -> None:
    """A descriptor of a role does not reach the payload, even when its number is among the preserved."""
    null = os.open("/dev/null", os.O_RDONLY)
    program = [
        *opening(root),
        PROC,
        ops.PivotRoot(),
        ops.ContainDescriptors(1000),
        ops.FindProgram("ls", ("/bin",)),
        ops.Barrier(),
        ops.Execute(("ls", "/proc/self/fd"), ()),
    ]
    try:
        outcome = stage.run(program, {native.FD_KVM: null})
    finally:
        os.close(null)
    assert outcome.output.split() == ["0", "1", "2", "3"]


def test_arguments_and_environment_are_exact(stage: StageRunner, root: Path) -> None:
    """Nothing is added to the environment, nothing is split in the arguments."""
    program = [*opening(root), ops.PivotRoot(), *payload("env", env=("A=1 2", "A=3", "B="))]
    assert stage.run(program).output == "A=1 2\nA=3\nB=\n"


def test_sockets_are_the_payloads_by_its_pid(stage: StageRunner, root: Path) -> None:
    """sd_listen_fds(3): LISTEN_PID names the process that is to take them, and replaces no other variable."""
    program = [*opening(root), ops.PivotRoot(), ops.ListenPid(), *payload("env", env=("A=1", "B=2"))]
    assert stage.run(program).output == "A=1\nB=2\nLISTEN_PID=1\n"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("foo", 'ENOENT exec: "foo": executable file not found in $PATH'),
        ("text", 'EACCES exec: "text": permission denied'),
        ("/nowhere/x", 'ENOENT exec: "/nowhere/x": stat /nowhere/x: no such file or directory'),
        ("/bin/sh/x", 'ENOENT exec: "/bin/sh/x": stat /bin/sh/x: no such file or directory'),
        ("/bin", 'EACCES exec: "/bin": permission denied'),
        ("/bin/text", 'EACCES exec: "/bin/text": permission denied'),
    ],
)
def test_program_that_cannot_run_is_said_in_the_words_that_clients_know(
    stage: StageRunner, root: Path, name: str, error: str
) -> None:
    """Dockerd derives the exit statuses 126 and 127 from these words."""
    (root / "bin/text").write_text("")
    (root / "bin/text").chmod(0o644)
    find = ops.FindProgram(name, ("/nowhere", "/bin"))
    assert stage.run([*opening(root), ops.PivotRoot(), find]).error == (7, error)


def test_empty_element_of_path_is_the_working_directory(stage: StageRunner, root: Path) -> None:
    """As execvp(3)."""
    program = [
        *opening(root),
        ops.PivotRoot(),
        ops.ChangeDirectory("/bin"),
        ops.FindProgram("echo", ("/nowhere", "")),
        ops.Barrier(),
        ops.Execute(("echo", "found"), ()),
    ]
    assert stage.run(program).output == "found\n"


def test_session_is_new(stage: StageRunner, root: Path) -> None:
    """Init leads a session of its own."""
    outcome = stage.run([*opening(root), PROC, ops.PivotRoot(), *payload("cat", "/proc/self/stat")])
    _, _, after = outcome.output.rpartition(")")
    assert after.split()[3] == "1"


def test_session_keyring_has_the_containers_name(stage: StageRunner, root: Path) -> None:
    """The caller's keys stay out."""
    program = [*opening(root), ops.SessionKeyring("krun-test"), PROC, ops.PivotRoot()]
    outcome = stage.run([*program, *payload("cat", "/proc/keys")])
    assert "keyring   krun-test" in outcome.output
