"""Which process exec runs: the container's own, changed by the command line."""

from __future__ import annotations

import pytest

from krun.errors import UsageError
from krun.plan.exec_process import Changes, changed_process, completed_process, parse_user, sub_cgroups
from krun.spec.model import Capabilities, Process, Rlimit, User

BASE = Process(
    user=User(uid=1, gid=2, umask=0o77, additional_gids=(3,)),
    args=("init",),
    cwd="/base",
    env=("A=1",),
    terminal=True,
    capabilities=Capabilities(bounding=("CAP_CHOWN",), inheritable=("CAP_CHOWN",)),
    rlimits=(Rlimit("RLIMIT_CORE", 0, 0),),
    oom_score_adj=7,
)


def test_without_options_only_the_arguments_change() -> None:
    """And the terminal: the container's is the container's."""
    assert changed_process(BASE, Changes(args=("sh",))) == BASE.replace(args=("sh",), terminal=False)


def test_options_are_added_to_what_there_is() -> None:
    """Environment, groups and capabilities grow; user and directory are replaced."""
    changes = Changes(
        args=("sh",),
        cwd="/other",
        env=("B=2",),
        user="10:20",
        additional_gids=("30",),
        capabilities=("CAP_KILL",),
        no_new_privileges=True,
    )
    process = changed_process(BASE, changes)
    assert (process.cwd, process.env, process.no_new_privileges) == ("/other", ("A=1", "B=2"), True)
    assert process.user == User(uid=10, gid=20, umask=0o77, additional_gids=(3, 30))
    assert process.capabilities == Capabilities(
        bounding=("CAP_CHOWN", "CAP_KILL"),
        effective=("CAP_KILL",),
        permitted=("CAP_KILL",),
        inheritable=("CAP_CHOWN",),
    )


def test_a_user_without_a_group_keeps_the_containers() -> None:
    """As with runc."""
    assert changed_process(BASE, Changes(args=("sh",), user="10")).user.gid == 2


@pytest.mark.parametrize(
    ("text", "ids"), [("0", (0, None)), ("007:8", (7, 8)), ("4294967294:0", (4294967294, 0))]
)
def test_a_user_is_decimal(text: str, ids: tuple[int, int | None]) -> None:
    """One number, or two with a colon."""
    assert parse_user(text) == ids


@pytest.mark.parametrize("text", ["root", "1:", ":1", "1:2:3", "+1", "-1", "1 ", "0x1", "4294967295", "²"])
def test_what_is_no_number_is_no_user(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match="--user: "):
        parse_user(text)


def test_what_a_process_leaves_out_is_the_containers() -> None:
    """Capabilities, limits and the OOM score adjustment; what it has stays."""
    bare = Process(user=User(0, 0), args=("sh",), cwd="/")
    filled = completed_process(bare, BASE)
    assert (filled.capabilities, filled.rlimits, filled.oom_score_adj) == (BASE.capabilities, BASE.rlimits, 7)
    own = bare.replace(capabilities=Capabilities(), rlimits=(Rlimit("RLIMIT_CPU", 1, 1),), oom_score_adj=0)
    assert completed_process(own, BASE) == own
    assert completed_process(bare, None) == bare


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), {}),
        (("part",), {"*": "part"}),
        (("/a//b/.",), {"*": "a/b"}),
        (("cpu,memory:x", "pids:y"), {"cpu": "x", "memory": "x", "pids": "y"}),
    ],
)
def test_cgroups_are_named_for_all_or_some_controllers(words: tuple[str, ...], found: dict[str, str]) -> None:
    """Paths are below the container's cgroup."""
    assert sub_cgroups(words) == found


@pytest.mark.parametrize(
    "words", [("..",), ("a/../..",), ("pids:../x",), ("a", "b"), ("cpu:a", "cpu,pids:b")]
)
def test_wrong_cgroups_are_refused(words: tuple[str, ...]) -> None:
    """Ways out, and one controller twice."""
    with pytest.raises(UsageError, match="--cgroup: "):
        sub_cgroups(words)
