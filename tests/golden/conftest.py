"""Writes the expected plans anew: `pytest tests/golden --update-golden`; then read the diff."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption("--update-golden", action="store_true", help="write the expected plans anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether to write the plans; pytest knows the switch only when this folder is named."""
    return bool(request.config.getoption("--update-golden", default=False))
