"""config.md#process and config-linux.md: what the payload finds of itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

from krun.plan.credentials import CAPABILITIES

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]


def test_an_oom_score_that_is_not_set_is_not_changed(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """If oomScoreAdj is not set, the runtime MUST NOT change the value: the caller's is inherited."""
    made = bundle(["cat", "/proc/self/oom_score_adj"])
    output = tmp_path / "output"
    with output.open("wb") as file:
        subprocess.run(
            ["choom", "--adjust", "321", "--", *runner.command("run", "--bundle", made, "c")],
            stdout=file,
            timeout=TIMEOUT_S,
            check=True,
        )
    assert output.read_text() == "321\n"


def test_an_oom_score_that_is_set_is_set(runner: Runner, bundle: MakeBundle) -> None:
    """If oomScoreAdj is set, the runtime MUST set oom_score_adj to it."""
    made = bundle(["cat", "/proc/self/oom_score_adj"], change=lambda c: c["process"].update(oomScoreAdj=777))
    assert runner.ok("run", "--bundle", made, "c").out == "777\n"


def test_a_console_size_without_a_terminal_is_ignored(runner: Runner, bundle: MakeBundle) -> None:
    """Runtimes MUST ignore consoleSize if terminal is false or unset."""
    made = bundle(["tty"], change=lambda c: c["process"].update(consoleSize={"height": 24, "width": 80}))
    result = runner("run", "--bundle", made, "c")
    assert (result.status, result.out, result.err) == (1, "not a tty\n", "")


@pytest.mark.parametrize("wanted", [True, False])
def test_new_privileges_are_forbidden_as_configured(
    runner: Runner, bundle: MakeBundle, *, wanted: bool
) -> None:
    """noNewPrivileges: prctl(2)'s bit, in the process and in its children, and only if it is asked for."""
    show = "grep NoNewPrivs /proc/self/status"
    made = bundle(
        ["sh", "-c", f"{show}; {show} | cat"], change=lambda c: c["process"].update(noNewPrivileges=wanted)
    )
    assert runner.ok("run", "--bundle", made, "c").out == f"NoNewPrivs:\t{int(wanted)}\n" * 2


@pytest.mark.parametrize("cwd", ["tmp", "./", "../", ""])
def test_a_working_directory_that_is_not_absolute_is_an_error(
    plain_runtime: Runner, bundle: MakeBundle, cwd: str
) -> None:
    """This value MUST be an absolute path."""
    line = plain_runtime.refused("create", "--bundle", bundle(["true"], cwd=cwd), "c")
    assert line.startswith("krun: $.process.cwd: must be absolute")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda p: p.update(args=[]), "$.process.args"),
        (lambda p: p.update(rlimits=[{"type": "RLIMIT_NO", "soft": 1, "hard": 1}]), "$.process.rlimits[0]"),
        (lambda p: p.update(rlimits=[{"type": "RLIMIT_CPU", "soft": 9, "hard": 9}] * 2), "$.process.rlimits"),
    ],
    ids=["no argument", "unknown limit", "limit twice"],
)
def test_a_process_that_cannot_be_is_an_error(
    plain_runtime: Runner, bundle: MakeBundle, change: Callable[[dict[str, Any]], None], path: str
) -> None:
    """args MUST have an entry, rlimits MUST map to the kernel's and MUST NOT repeat a type."""
    made = bundle(["true"], change=lambda config: change(config["process"]))
    assert plain_runtime.refused("create", "--bundle", made, "c").startswith(f"krun: {path}")


@pytest.mark.parametrize(
    ("name", "value", "enabled"),
    [
        ("apparmorProfile", "acme_secure_profile", "/sys/module/apparmor/parameters/enabled"),
        ("selinuxLabel", "system_u:system_r:svirt_lxc_net_t:s0", "/sys/fs/selinux/enforce"),
    ],
)
def test_a_confinement_that_the_kernel_lacks_is_refused_by_name(
    plain_runtime: Runner, bundle: MakeBundle, name: str, value: str, enabled: str
) -> None:
    """A process must not run less confined than asked; where there is the module, the label is not known."""
    made = bundle(["true"], change=lambda config: config["process"].update({name: value}))
    line = plain_runtime.refused("create", "--bundle", made, "c")
    if Path(enabled).exists():
        assert value in line
    else:
        assert line.startswith(f"krun: $.process.{name}: ")
        assert "is not enabled on this host" in line


def test_all_that_the_host_can_grant_is_granted_in_every_set(
    runner: Runner, bundle: MakeBundle, tmp_path: Path
) -> None:
    """Capabilities that cannot be granted are a warning and MUST NOT keep the others away."""
    capabilities = list(CAPABILITIES)

    def all_of_them(config: dict[str, Any]) -> None:
        sets = ("bounding", "effective", "permitted", "inheritable", "ambient")
        config["process"]["capabilities"] = dict.fromkeys(sets, capabilities)

    log = tmp_path / "log"
    made = bundle(["grep", "Cap", "/proc/self/status"], change=all_of_them)
    shown = runner.ok("--log", log, "--log-level", "warning", "run", "--bundle", made, "c").out
    bounding = int(Path("/proc/self/status").read_text().partition("CapBnd:")[2].split()[0], 16)
    expected = bounding & ((1 << len(capabilities)) - 1)
    held = {line.split()[0]: int(line.split()[1], 16) for line in shown.splitlines()}
    assert held == dict.fromkeys(("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"), expected)
    missing = {name for number, name in enumerate(capabilities) if not bounding >> number & 1}
    warned = log.read_text() if log.exists() else ""
    assert {name for name in capabilities if f"{name} " in f"{warned} ".replace(",", " ")} == missing
