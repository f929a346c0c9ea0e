"""Further options of `docker run`: each is seen by the payload in force."""

from __future__ import annotations

import pytest
from support.docker import IMAGE, READY, Attached, Docker
from support.processes import TIMEOUT_S


@pytest.mark.parametrize(
    ("options", "command", "printed"),
    [
        (["--ulimit", "nofile=100:200"], ["sh", "-c", "ulimit -Sn; ulimit -Hn"], "100\n200\n"),
        (["--sysctl", "kernel.msgmax=9000"], ["cat", "/proc/sys/kernel/msgmax"], "9000\n"),
        (["--device", "/dev/zero:/dev/nought"], ["stat", "-c", "%F %t:%T", "/dev/nought"], None),
        (["--cpuset-cpus", "0"], ["nproc"], "1\n"),
        (["--shm-size", "1m"], ["stat", "-f", "-c", "%s %b", "/dev/shm"], "4096 256\n"),
        (["--ipc", "host", "--uts", "host"], ["echo", "shared"], "shared\n"),
        (["--security-opt", "seccomp=unconfined"], ["grep", "-c", "Seccomp:", "/proc/self/status"], "1\n"),
        (
            ["--security-opt", "no-new-privileges"],
            ["grep", "NoNewPrivs", "/proc/self/status"],
            "NoNewPrivs:\t1\n",
        ),
        (["--group-add", "1234"], ["id", "-G"], "0 1234\n"),
        (["--oom-score-adj", "500"], ["cat", "/proc/self/oom_score_adj"], "500\n"),
        (["--entrypoint", "echo"], ["-n", "words"], "words"),
        (["--domainname", "example.org"], ["cat", "/proc/sys/kernel/domainname"], "example.org\n"),
        (["--add-host", "peer:10.1.2.3"], ["grep", "-c", "10.1.2.3", "/etc/hosts"], "1\n"),
        (["--mount", "type=tmpfs,destination=/scratch"], ["stat", "-f", "-c", "%T", "/scratch"], "tmpfs\n"),
    ],
    ids=lambda value: value[0].lstrip("-") if isinstance(value, list) and value[0].startswith("--") else "",
)
def test_an_option_is_in_force(
    docker: Docker, options: list[str], command: list[str], printed: str | None
) -> None:
    """What the payload sees is what was asked for."""
    assert docker.output(*options, IMAGE, *command) == (printed or "character special file 1:5\n")


def test_init_reaps_for_the_payload(docker: Docker) -> None:
    """--init: docker's small init is process 1, the payload another one."""
    assert int(docker.output("--init", IMAGE, "sh", "-c", "echo $$")) > 1


def test_cap_add_gives_a_capability(docker: Docker) -> None:
    """--cap-add SYS_ADMIN: bit 21 of the effective set."""
    line = docker.output("--cap-add", "SYS_ADMIN", IMAGE, "grep", "CapEff", "/proc/self/status")
    assert int(line.split()[1], 16) & 1 << 21


def test_a_shell_starts_other_programs(docker: Docker) -> None:
    """Processes, pipes and substitutions: the payload's children run as it does."""
    script = "uname -r | cat; echo $(expr 40 + 2); (exit 7); echo $?; true & wait $!; echo $?"
    release, *others = docker.output(IMAGE, "sh", "-c", script).splitlines()
    assert release.endswith(".kontain.KVM") == (docker.runtime == "krun")
    assert others == ["42", "7", "0"]


def test_a_published_port_reaches_the_payload(docker: Docker) -> None:
    """--publish: what listens in the container answers at the daemon's address."""
    # busybox's httpd goes into the background when it listens.
    script = "echo page >/tmp/page; httpd -p 80 -h /tmp; " + READY + "read word"
    container = Attached(docker, "--publish", "18080:80", IMAGE, "sh", "-c", script, name="served")
    answer = docker.bed.inside(
        *("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:18080/page"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    container.remove()
    container.status()
    assert answer.stdout == "page\n", answer.stderr
