"""Two containers, each in a VM and with a network of its own, joined by a cable."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.bundles import MakeBundle
from support.processes import TIMEOUT_S
from support.runner import Runner

pytestmark = [pytest.mark.needs("root", "kvm", "iproute2"), pytest.mark.usefixtures("nothing_left")]

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
# cksum of `seq 1000000`, and of three of them.
ANSWER = f"""\
3634730569 6888896
1
2
3
4
5
6
7
881458212 20666688
404 {SERVER}
"""


def join(ends: dict[str, int]) -> None:
    """Make an interface `eth` in the network namespaces of two processes: {address: pid}."""
    first, second = ends.values()
    cable = f"link add eth netns {first} type veth peer name eth netns {second}"
    subprocess.run(["ip", *cable.split()], check=True, timeout=TIMEOUT_S)
    for address, pid in ends.items():
        for words in (f"address add {address}/24 dev eth", "link set lo up", "link set eth up"):
            command = ["nsenter", "-t", str(pid), "-n", "ip", *words.split()]
            subprocess.run(command, check=True, timeout=TIMEOUT_S)


@pytest.mark.needs("nginx", "curl")
def test_curl_asks_the_nginx_of_another_container(
    program: MakeBundle, runtime: Runner, tmp_path: Path
) -> None:
    """Whole files, a part and an error come over, with several transfers at once."""
    bundles = {
        "serves": program("sh", "/corpus/serves.sh", name="serves"),
        "asks": program("sh", "/corpus/asks.sh", f"http://{SERVER}:8080/numbers", name="asks"),
    }
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as ready, (tmp_path / "answer").open("w+") as answer:
        for name, output in (("serves", write_end), ("asks", answer)):
            process = runtime.start(
                "create", "--bundle", bundles[name], name, stdin=subprocess.DEVNULL, stdout=output
            )
            assert process.wait(TIMEOUT_S) == 0
        os.close(write_end)
        join({SERVER: runtime.state("serves")["pid"], CLIENT: runtime.state("asks")["pid"]})
        runtime.ok("start", "serves")
        assert ready.readline() == "ready\n"
        runtime.ok("start", "asks")
        runtime.wait("asks")
        answer.seek(0)
        assert answer.read() == ANSWER
    runtime.ok("kill", "serves", "TERM")
    runtime.wait("serves")
    for name in bundles:
        runtime.ok("delete", name)
