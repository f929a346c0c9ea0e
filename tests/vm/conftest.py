"""What the monitor's own tests share: krun-vm, and small C payloads that the tests compile.

Out of scope: containers.  Here the monitor is run directly, as specs/monitor.md says.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support import hypercalls

PAYLOADS = Path(__file__).parent / "payloads"
WARNINGS = ("-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wno-infinite-recursion")

Compile = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def krun_vm(krun: Path) -> Path:
    """Return the installed monitor."""
    found = sorted(krun.parent.parent.glob("lib/python3*/site-packages/krun/libexec/krun-vm"))
    assert found, f"no krun-vm in the installation of {krun}"
    return found[0]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Return a compiler of payloads: the source's name, then what the compiler is to be told."""
    directory = tmp_path_factory.mktemp("payloads")
    made: dict[tuple[str, ...], Path] = {}

    def compile_payload(source: str, *options: str, compiler: str = "gcc") -> Path:
        key = (compiler, source, *options)
        if key not in made:
            target = directory / f"{Path(source).stem}-{len(made)}"
            command = [compiler, "-O1", *WARNINGS, "-o", target, PAYLOADS / source, *options]
            subprocess.run(command, check=True, timeout=120)
            made[key] = target
        return made[key]

    return compile_payload


@pytest.fixture(scope="session")
def static(compiled: Compile) -> Callable[[str], Path]:
    """Return a compiler of static glibc payloads by their source's stem."""
    return lambda stem: compiled(f"{stem}.c", "-static", "-pthread", "-lm")


@pytest.fixture(scope="session")
def in_vm(krun_vm: Path) -> Run:
    """Return a runner of payloads in the monitor; a payload gets no input and thirty seconds."""

    def run(
        payload: Path | str, *args: str, env: Mapping[str, str] | None = None, cwd: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [krun_vm, payload, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=env,
            cwd=cwd,
        )

    return run


@pytest.fixture
def waiting(
    request: pytest.FixtureRequest, static: Callable[[str], Path], krun_vm: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Return a payload in the monitor that waits for the end of its input; a parameter is its case."""
    case = getattr(request, "param", "waits")
    with subprocess.Popen(
        [krun_vm, static("process"), case], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture
def hostile(compiled: Callable[..., Path], tmp_path: Path) -> Path:
    """Return the hostile program, built static with the table of today."""
    hypercalls.write_pointer_calls(tmp_path / "table.inc")
    return compiled("hostile.c", "-static", f"-I{tmp_path}")
