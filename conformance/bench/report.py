"""The numbers as tables of text."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

Times = Mapping[str, Mapping[str, Sequence[float]]]


def verbs(times: Times) -> str:
    """Return median (minimum to maximum) milliseconds by verb and runtime, and the ratio of the medians."""
    base = next(iter(times))
    rows = [["ms", *(name if name == base else f"{name}, x" for name in times)]]
    for verb in dict.fromkeys(verb for measured in times.values() for verb in measured):
        reference = statistics.median(times[base][verb]) if verb in times[base] else 0.0
        row = [verb]
        for name, measured in times.items():
            if verb not in measured:
                row.append("-")
                continue
            median = statistics.median(measured[verb])
            cell = f"{median:.1f} ({min(measured[verb]):.1f}-{max(measured[verb]):.1f})"
            row.append(cell if name == base or not reference else f"{cell} {median / reference:.2f}")
        rows.append(row)
    return _table(rows)


def peaks(peak_kib: Mapping[str, Mapping[str, int]]) -> str:
    """Return the peak resident set by verb and runtime."""
    rows = [["peak MB", *peak_kib]]
    verbs_measured = dict.fromkeys(verb for measured in peak_kib.values() for verb in measured)
    rows += [
        [verb, *(f"{measured[verb] / 1024:.1f}" for measured in peak_kib.values())] for verb in verbs_measured
    ]
    return _table(rows)


def idle(kib: Mapping[str, Mapping[str, float]], count: int) -> str:
    """Return what one idle container costs."""
    rows = [[f"MB each of {count} idle", *kib]]
    rows += [
        [what, *(f"{measured[what] / 1024:.2f}" for measured in kib.values())]
        for what in ("processes", "host")
    ]
    return _table(rows)


def monitor(measured: Times) -> str:
    """Return median (minimum) by row and way; what is not native also as a multiple of the native median."""
    rows = [["krun-vm", *next(iter(measured.values()))]]
    for name, ways in measured.items():
        native = statistics.median(next(iter(ways.values())))
        row = [name]
        for number, values in enumerate(ways.values()):
            median = statistics.median(values)
            spread = f" ({min(values):.2f})" if len(values) > 1 else ""
            row.append(f"{median:.2f}{spread}" + (f" {median / native:.2f}x" if number else ""))
        rows.append(row)
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join((first, *cells)).rstrip())
    return "\n".join(lines) + "\n"
