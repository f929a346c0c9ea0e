"""Running a payload that attacks its monitor, and is told where that lies.

Out of scope: the attacks, which are the payloads'.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.bundles import Bundle
from support.runner import Runner

ARENA_END = 0x200000000000
KERNEL_HALF = 1 << 63


def monitors_mappings(pid: int) -> list[int]:
    """Return an address of each kind of mapping that the monitor has beyond its guest's memory."""
    kinds: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, protection, _offset, _device, _inode, *name = line.split()
        start = int(span.split("-")[0], 16)
        if ARENA_END <= start < KERNEL_HALF:
            kinds.setdefault(f"{protection} {''.join(name)}", start)
    return list(kinds.values())


def run_with_addresses(runtime: Runner, made: Bundle) -> tuple[int, str]:
    """Run a payload that is told addresses of its monitor; return its status and output."""
    with runtime.start(
        "run", "--bundle", str(made), "hostile", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        addresses = monitors_mappings(runtime.state("hostile")["pid"])
        assert len(addresses) > 5, addresses
        out, _err = process.communicate("".join(f"{at:x}\n" for at in addresses).encode(), timeout=60)
    return process.returncode, out.decode()
