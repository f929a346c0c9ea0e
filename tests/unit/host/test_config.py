"""The host's own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from krun.errors import KrunError
from krun.host.config import configured_monitor


@pytest.mark.parametrize(
    ("text", "monitor"),
    [
        (None, "builtin"),
        ("", "builtin"),
        ("# nothing\n", "builtin"),
        ("monitor: none\n", "none"),
        ("{monitor: builtin}", "builtin"),
    ],
)
def test_the_monitor_is_the_administrators_choice(tmp_path: Path, text: str | None, monitor: str) -> None:
    """Without a file, or without a word on it, it is the built-in one."""
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    assert configured_monitor(str(path)) == monitor


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("monitor: qemu\n", "monitor: 'qemu' is none of builtin, none"),
        ("monitor: [none]\n", "monitor: ['none'] is none of builtin, none"),
        ("monitr: none\n", "monitr: unknown setting"),
        ("- none\n", "must be a mapping"),
        ("monitor: none\n}", "line 2"),
        ("!!python/object/apply:os.system [true]\n", "could not determine a constructor"),
    ],
)
def test_a_mistake_is_an_error_and_never_a_default(tmp_path: Path, text: str, words: str) -> None:
    """It names the file; a decision that is not understood must not be weakened."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(KrunError) as caught:
        configured_monitor(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
