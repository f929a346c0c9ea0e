"""runtime.md#lifecycle: the environment is as the configuration has it, all of it in one container.

Out of scope: mounts and their options (test_root_and_mounts), and whatever has a test of its own.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.bundles import MakeBundle
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "busybox"), pytest.mark.usefixtures("nothing_left")]

# What is asked of the shell, and what it has to say.
FOUND: dict[str, str] = {
    "id -u; id -g; id -G": "1234\n567\n567 8 70000",
    "umask": "0027",
    "ulimit -Sn; ulimit -Hn": "100\n200",
    "pwd": "/deep/er",
    'echo "$FRUIT|$EMPTY|"': "light  quince|||",
    'echo $#; printf "%s|" "$0" "$@"': "4\nzero|one  two||'$FRUIT'|\\n|",
    "uname -n; cat /proc/sys/kernel/hostname": "medlar\nmedlar",
    "cat /proc/sys/kernel/domainname": "orchard.example",
    "cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax": "77\n8191",
    "cat /proc/self/oom_score_adj": "555",
    "stat -c '%F %t:%T %a %u:%g' /dev/a /dev/b /dev/net/u /p": (
        "character special file 1:5 640 3:4\n"
        "block special file 7:63 600 0:0\n"
        "character special file a:c8 662 1234:567\n"
        "fifo 0:0 606 5:6"
    ),
    "head -c 2 /dev/zero | od -An -tx1": " 00 00",
    "cat /covered/file; ls -A /covered/below": "",
    "for f in kept dir/x; do touch /covered/$f 2>&1; done; cat /covered/kept": (
        "touch: /covered/kept: Read-only file system\ntouch: /covered/dir/x: Read-only file system\nkept"
    ),
    "touch /open/x 2>&1; touch /scratch/x && echo writable": (
        "touch: /open/x: Read-only file system\nwritable"
    ),
}
SCRIPT = "\n".join(f"echo '== {number}'; ({command})" for number, command in enumerate(FOUND))


def whole(config: dict[str, Any]) -> None:
    """Ask for a bit of everything."""
    process, linux = config["process"], config["linux"]
    process["args"] = ["sh", "-c", SCRIPT, "zero", "one  two", "", "'$FRUIT'", "\\n"]
    process["user"] = {"uid": 1234, "gid": 567, "umask": 0o27, "additionalGids": [8, 70000]}
    process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    process["env"] += ["FRUIT=light  quince|", "EMPTY="]
    process["cwd"] = "/deep/er"
    process["oomScoreAdj"] = 555
    config["root"]["readonly"] = True
    config["hostname"], config["domainname"] = "medlar", "orchard.example"
    config["mounts"].append(
        {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}
    )
    linux["sysctl"] = {"net.ipv4.ip_default_ttl": "77", "kernel/msgmax": "8191"}
    linux["maskedPaths"] += ["/covered/file", "/covered/below"]
    linux["readonlyPaths"] += ["/covered/kept", "/covered/dir"]
    linux["devices"] = [
        {"path": path, "type": type, "fileMode": mode, "uid": uid, "gid": gid, **numbers}
        for path, type, mode, uid, gid, numbers in (
            ("/dev/a", "c", 0o640, 3, 4, {"major": 1, "minor": 5}),
            ("/dev/b", "b", 0o600, 0, 0, {"major": 7, "minor": 99}),
            ("/dev/net/u", "u", 0o662, 1234, 567, {"major": 10, "minor": 200}),
            ("/p", "p", 0o606, 5, 6, {}),
        )
    ]


def found(text: str) -> dict[str, str]:
    """Sort what the script has printed: the command, and what it said."""
    parts = [part.partition("\n")[2].removesuffix("\n") for part in text.split("== ")[1:]]
    return dict(zip(FOUND, parts, strict=True))


def test_it_is_as_configured_before_and_after_the_start(runner: Runner, bundle: MakeBundle) -> None:
    """runtime.md#create: all but `process` is applied by `create`, and `process` as it stands by `start`.

    A process that joins before the start has the same properties, so it finds the same.
    """
    made = bundle([], change=whole)
    for path in ("covered/below", "covered/dir", "open"):
        (made.rootfs / path).mkdir(parents=True)
        (made.rootfs / path).chmod(0o777)
    (made.rootfs / "covered/below/secret").touch()
    for name in ("file", "kept"):
        (made.rootfs / "covered" / name).write_text(f"{name}\n")
        (made.rootfs / "covered" / name).chmod(0o666)
    runner.ok("create", "--bundle", made, "c")
    early = runner.ok("exec", "c", *made.config["process"]["args"]).out
    assert found(early) == FOUND
    assert runner.state("c")["status"] == "created"
    runner.ok("delete", "c")
    assert found(runner.ok("run", "--bundle", made, "c").out) == FOUND
