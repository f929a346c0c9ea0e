# specs/config.yaml as Python.  The module itself is written by the build (csrc/cmake/compile_schema.py).

from collections.abc import Mapping
from typing import Any

CONFIG: Mapping[str, Any]  # the whole document: config.json
PROCESS: Mapping[str, Any]  # `process`, and the document of `exec --process`
RESOURCES: Mapping[str, Any]  # `linux.resources`, and the document of `update --resources`
