"""The folders of prompts."""

from pathlib import Path

import pytest


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sounds"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    return tmp_path / "recordings"
