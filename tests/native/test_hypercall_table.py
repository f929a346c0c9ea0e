"""specs/hypercalls.yaml and its generator: what is served, and that nothing wrong gets into the C tables."""

from __future__ import annotations

import copy
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = REPOSITORY / "specs" / "hypercalls.yaml"
GENERATOR = REPOSITORY / "csrc" / "vm" / "generate_hypercalls.py"
# Reach into the machine below or into other processes: a guest never has them.
NEVER = {
    "ptrace", "pidfd_getfd", "bpf", "perf_event_open",
    "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "iopl", "ioperm", "modify_ldt", "keyctl",
}  # fmt: skip


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Return the generator as a module."""
    spec = importlib.util.spec_from_file_location("generate_hypercalls", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def document() -> Any:
    """Return a small table that is right."""
    return {
        "types": {"byte": 1, "stat": 144},
        "calls": {
            "read": {
                "nr": 0,
                "does": "reads",
                "serve": "forward",
                "args": {"fd": "fd", "buf": "out byte*count", "count": "size"},
            },
            "ptrace": {"nr": 101, "does": "traces", "serve": "refuse", "errno": "EPERM", "args": {}},
        },
        "differences": {},
        "monitor": ["mmap", "read"],
    }


def test_the_table_of_the_repository_is_valid(generator: ModuleType, tmp_path: Path) -> None:
    """The build's generator accepts the table and writes one entry for each of its calls."""
    target = tmp_path / "out.c"
    assert generator.main([str(TABLE), str(target)]) == 0
    calls = yaml.safe_load(TABLE.read_text())["calls"]
    assert target.read_text().count("KR_SERVE_") == len(calls)


def test_a_kernel_without_keys_is_what_programs_are_told() -> None:
    """Who makes a keyring goes on without one at ENOSYS, as container runtimes do, and gives up at EPERM."""
    calls = yaml.safe_load(TABLE.read_text())["calls"]
    assert {calls[name]["errno"] for name in ("add_key", "request_key", "keyctl")} == {"ENOSYS"}


def test_what_an_agent_may_let_go_on_is_passed_to_the_kernel_as_it_is(
    generator: ModuleType, tmp_path: Path
) -> None:
    """specs/decisions/0012: nothing emulated or refused, nothing whose structures lead on to other memory."""
    target = tmp_path / "out.py"
    assert generator.main([str(TABLE), str(target)]) == 0
    names: dict[str, frozenset[str]] = {}
    exec(target.read_text(), names)  # noqa: S102  # it is ours, and the planner imports it
    calls = yaml.safe_load(TABLE.read_text())["calls"]
    notified = {name: call for name, call in calls.items() if name not in names["UNNOTIFIED"]}
    assert {call["serve"] for call in notified.values()} == {"forward"}
    assert {call.get("restart", "never") for call in notified.values()} == {"sa", "never"}
    kinds = {text for call in notified.values() for text in call["args"].values()}
    assert not {text for text in kinds if "iovec" in text or text == "address"}
    assert {"mkdir", "mknodat", "mount", "setxattr", "sysinfo", "connect", "bind", "chown"} <= set(notified)
    assert {"openat", "mmap", "execve", "bpf", "sendmsg", "epoll_wait"} <= names["UNNOTIFIED"]


def test_what_reaches_below_the_guest_is_refused() -> None:
    """No call that reads other processes or changes the host's kernel is served."""
    calls = yaml.safe_load(TABLE.read_text())["calls"]
    assert {name for name in NEVER if calls[name]["serve"] != "refuse"} == set()


def test_a_table_that_is_right_is_accepted(generator: ModuleType, document: Any) -> None:
    """The base of the faults below has none."""
    calls, monitor = generator.parse(document)
    assert [call.name for call in calls] == ["read", "ptrace"]
    assert monitor == ["mmap", "read"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("calls", "read", "nr"), 101, "101 is also the number of read"),
        (("calls", "read", "nr"), 512, "nr must be 0 to 511"),
        (("calls", "read", "nr"), True, "nr must be 0 to 511"),
        (("calls", "read", "serve"), "ignore", "serve must be one of"),
        (("calls", "read", "errno"), "EPERM", "errno belongs to what is refused"),
        (("calls", "ptrace", "errno"), "EWRONG", "is no errno"),
        (("calls", "read", "restart"), "yes", "restart must be one of"),
        (("calls", "read", "does"), "", "does must be one line"),
        (("calls", "read", "extra"), 1, "unknown key extra"),
        (("calls", "read", "notify"), True, "notify can only be false"),
        (("calls", "ptrace", "notify"), False, "only where it would not be so anyway"),
        (("calls", "read", "args", "buf"), "out byte*size", "counted by size, which is no argument"),
        (("calls", "read", "args", "buf"), "out byte*fd", "which is no int, uint or size"),
        (("calls", "read", "args", "buf"), "out nonsense", "nonsense is not among the types"),
        (("calls", "read", "args", "buf"), "byte*count", "is no type"),
        (("calls", "read", "args", "buf"), "in iovec", "needs a count"),
        (("types", "stat"), 0, "must be a size"),
        (("monitor",), ["read", "mmap"], "must be sorted"),
        (("monitor",), ["mmap", "mmap"], "must be sorted, each name once"),
    ],
)
def test_a_fault_is_named(
    generator: ModuleType, document: Any, path: tuple[str, ...], value: object, message: str
) -> None:
    """A table with one fault is refused, with a line that says which."""
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(generator.Fault, match=message.replace("*", r"\*")):
        generator.parse(changed)


def test_a_call_that_stands_twice_is_refused(
    generator: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """YAML would silently keep the last of two equal keys."""
    source = tmp_path / "table.yaml"
    source.write_text("types: {}\ncalls:\n  read: {}\n  read: {}\ndifferences: {}\nmonitor: []\n")
    assert generator.main([str(source), str(tmp_path / "out.c")]) == 1
    assert "line 4: read stands twice" in capsys.readouterr().err
