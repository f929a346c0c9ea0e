"""What Intel RDT counts and allows for a container, in the shape that runc's `events` has.

Numbers are bytes, one for each cache.  A file that the kernel does not have leaves its property out.
"""

from __future__ import annotations

from krun import os
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from krun.execute.rdt import RdtRecord

_SCHEMATA = {"L3": "l3_cache_schema", "MB": "mem_bw_schema"}
_MONITORED = {
    "mbm_stats": {"mbm_total_bytes": "mbm_total_bytes", "mbm_local_bytes": "mbm_local_bytes"},
    "cmt_stats": {"llc_occupancy": "llc_occupancy"},
}
"""Property -> number -> file in a directory of `mon_data`."""


def read_rdt_stats(record: RdtRecord) -> dict[str, Any]:
    """Read the schemata of the container's class, and what its innermost group counts."""
    found: dict[str, Any] = {}
    for line in _text(f"{record.groups[0]}/schemata").splitlines():
        resource = line.partition(":")[0].strip()
        if resource in _SCHEMATA:
            found[_SCHEMATA[resource]] = line.strip()
    data = f"{record.groups[-1]}/mon_data"
    caches = sorted(os.listdir(data)) if os.path.isdir(data) else []
    for name, files in _MONITORED.items():
        counts = [_counts(f"{data}/{cache}", files) for cache in caches]
        if any(counts):
            found[name] = counts
    return found


def _counts(directory: str, files: dict[str, str]) -> dict[str, int]:
    texts = {number: _text(f"{directory}/{file}").strip() for number, file in files.items()}
    return {number: int(text) for number, text in texts.items() if text.isdecimal()}


def _text(path: str) -> str:
    try:
        return read_text(path)
    except OSError:
        return ""
