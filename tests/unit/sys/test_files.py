"""Files are read whole."""

from __future__ import annotations

from krun.sys.files import read_text


def test_what_the_kernel_gives_in_pieces_is_read_whole() -> None:
    """A table in procfs comes by a page or so in each read: the end of a long one, too, is there."""
    assert "[stack]" in read_text("/proc/self/smaps")
