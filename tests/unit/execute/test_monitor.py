"""krun.execute.monitor: krun's own programs, and what keeps them from being loaded."""

from __future__ import annotations

import errno
import os

import pytest

from krun.errors import HostError
from krun.execute import monitor
from krun.sys import native


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, "ENOENT; install krun again"),
        (errno.EFBIG, "EFBIG"),  # RLIMIT_FSIZE
        (errno.EMFILE, "EMFILE"),
    ],
)
def test_who_is_to_install_krun_again_lacks_a_file(
    monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """A limit of the caller's is none of the installation's faults."""

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(native, "memfd_sealed", refuse)
    with pytest.raises(HostError) as caught:
        monitor.sealed_program("krun-init")
    assert str(caught.value).endswith(f"libexec/krun-init: {words}")
