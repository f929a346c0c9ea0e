"""The command line's grammar, on a table of options of the tests' own."""

from __future__ import annotations

import pytest

from krun import os
from krun.cli import default_root, open_log, parse_options, parse_verb
from krun.commands.options import Argument, Option
from krun.errors import KrunError, UsageError

OPTIONS = (
    Option("--env", "", short="-e", value="NAME=VALUE", repeat=True),
    Option("--cwd", "", value="DIR", default="/"),
    Option("--tty", "", short="-t"),
    Option("--cap-add", "", value="CAP", also=("--capability",)),
)
EXEC = (Argument("container-id", "the container"), Argument("command", "", required=False, rest=True))
KILL = (Argument("container-id", "the container"), Argument("signal", "", required=False))


@pytest.mark.parametrize(
    "words",
    [["--cwd", "/x"], ["--cwd=/x"], ["-cwd", "/x"], ["-cwd=/x"], ["--cwd", "/y", "--cwd", "/x"]],
    ids=" ".join,
)
def test_a_value_is_taken_in_every_spelling(words: list[str]) -> None:
    """Also with one dash, as Go's flag package takes it; the last one wins."""
    assert parse_verb("exec", [*words, "c"], OPTIONS, EXEC)["cwd"] == "/x"


def test_a_value_may_look_like_an_option() -> None:
    """What follows an option that needs a value is its value."""
    assert parse_verb("exec", ["--cwd", "--tty", "c"], OPTIONS, EXEC)["cwd"] == "--tty"


def test_another_name_is_the_same_option() -> None:
    """`also` names it too."""
    assert parse_verb("exec", ["--capability=X", "c"], OPTIONS, EXEC)["cap-add"] == "X"


def test_repeated_options_keep_their_order() -> None:
    """Wherever they stand."""
    args = parse_verb("kill", ["-e", "A=1", "c", "--env=B=2=3", "TERM", "-env", "C"], OPTIONS, KILL)
    assert args.all("env") == ("A=1", "B=2=3", "C")
    assert (args["container-id"], args["signal"]) == ("c", "TERM")


def test_defaults_stand_in() -> None:
    """And what has none is empty."""
    args = parse_verb("exec", ["c"], OPTIONS, EXEC)
    assert (args["cwd"], args["cap-add"], args.flag("tty"), args.all("env")) == ("/", "", False, ())


@pytest.mark.parametrize(("word", "expected"), [("-t", True), ("--tty=true", True), ("--tty=false", False)])
def test_a_flag_can_be_unset(word: str, expected: bool) -> None:
    """As Go's flag package has it."""
    assert parse_verb("exec", [word, "c"], OPTIONS, EXEC).flag("tty") is expected


def test_words_behind_the_id_of_exec_are_the_payloads() -> None:
    """Whatever they look like."""
    args = parse_verb("exec", ["-t", "c", "ls", "--env", "-l", "--"], OPTIONS, EXEC)
    assert args.all("command") == ("ls", "--env", "-l", "--")
    assert args.all("env") == ()


def test_two_dashes_end_the_options() -> None:
    """An argument may then begin with a dash."""
    assert parse_verb("kill", ["--", "-c", "-t"], OPTIONS, KILL)["signal"] == "-t"
    assert parse_verb("exec", ["c", "--", "-l"], OPTIONS, EXEC).all("command") == ("-l",)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--no"], "--no: unknown option"),
        (["--cwd"], "--cwd: needs a value (DIR)"),
        ([], "kill: needs container-id: the container"),
        (["a", "b", "c"], "kill: 'c' is one argument too many"),
    ],
    ids=str,
)
def test_a_mistake_is_named(words: list[str], message: str) -> None:
    """With the word that is wrong."""
    with pytest.raises(UsageError) as caught:
        parse_verb("kill", words, OPTIONS, KILL)
    assert str(caught.value) == message


def test_global_options_end_at_the_verb() -> None:
    """What follows is the verb's."""
    at, given = parse_options(["--cwd", "/x", "state", "--tty"], OPTIONS)
    assert (at, given) == (2, {"cwd": ("/x",)})


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "²"])
def test_numbers_are_decimal(text: str) -> None:
    """And not negative."""
    args = parse_verb("exec", [f"--cwd={text}", "c"], OPTIONS, EXEC)
    with pytest.raises(UsageError):
        args.number("cwd")


def test_the_log_is_found_in_a_wrong_command_line(tmp_path: object) -> None:
    """It is where the caller learns of the mistake."""
    path = f"{tmp_path}/log"
    log = open_log(["--nonsense", "--root", "/r", "-log", path, "--log-format=json", "state", "--log", "/no"])
    log.error("broken")
    with open(path, encoding="utf-8") as file:
        assert '"msg": "broken"' in file.read()


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path: object) -> None:
    """And names itself."""
    with pytest.raises(KrunError, match="--log"):
        open_log(["--log", f"{tmp_path}/missing/log"])


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_RUNTIME_DIR": "/run/user/1000"}, "/run/user/1000/krun"),
        ({"XDG_RUNTIME_DIR": "/run/user/1000", "USER": "quince"}, "/run/user/1000/krun"),
        ({"XDG_RUNTIME_DIR": "/run/user/1000", "USER": "root"}, "/run/krun"),
        ({}, "/run/krun"),
    ],
)
def test_the_default_root_in_a_user_namespace(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    """Root of a user namespace is a plain user, unless $USER says otherwise; podman passes none."""
    for name in ("XDG_RUNTIME_DIR", "USER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("krun.cli._in_user_namespace", lambda: True)
    assert default_root() == expected


@pytest.mark.parametrize(
    ("euid", "environment", "expected"),
    [
        (0, {}, "/run/krun"),
        (0, {"XDG_RUNTIME_DIR": "/run/user/0"}, "/run/krun"),
        (1000, {"XDG_RUNTIME_DIR": "/run/user/1000"}, "/run/user/1000/krun"),
        (1000, {}, "/run/krun"),
    ],
)
def test_the_default_root(
    monkeypatch: pytest.MonkeyPatch, euid: int, environment: dict[str, str], expected: str
) -> None:
    """/run/krun, or the directory that a plain user has for such things."""
    for name in (b"XDG_RUNTIME_DIR", b"USER"):
        monkeypatch.delitem(os.environ, name, raising=False)
    for name, value in environment.items():
        monkeypatch.setitem(os.environ, name.encode(), value.encode())
    monkeypatch.setattr("krun.os.geteuid", lambda: euid)
    assert default_root() == expected
