"""YAML, for the host's own configuration and the schema.

The only module that imports PyYAML, which is heavy.  Out of scope: writing.
"""

from __future__ import annotations

import yaml

from krun.errors import KrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class YamlError(KrunError):
    """The text is not YAML; the message names line and column."""


def load_yaml(data: bytes) -> Any:
    """Parse one document of plain values; None for an empty one.  Raises YamlError."""
    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
