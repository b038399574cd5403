"""Brings an Asterisk up for a run of live tests, when asked to.

``IVR_START_ASTERISK=1`` (as root): if no Asterisk runs in this checkout, one is started before the live tests and stopped after
them. Without it, tests use the one that ``make asterisk`` left running, and are left out, loudly, where there is none.
"""

import os
import subprocess

import pytest

from tests.live.access import CHROOT
from tests.live.ari import HEARTBEAT


def _chroot(*words: str) -> int:
    done = subprocess.run([str(CHROOT), *words], check=False, capture_output=True)  # noqa: S603 (fixed words)
    return done.returncode


def _down() -> None:
    _chroot("down")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start Asterisk before the first test asks whether there is one."""
    wanted = os.environ.get("IVR_START_ASTERISK", "") not in {"", "0"}
    live = any(item.get_closest_marker(mark) for item in items for mark in ("asterisk", "sipp"))
    if not (wanted and live) or _chroot("status") == 0:
        return
    if _chroot("up") != 0:
        pytest.exit("Asterisk could not be started; its reason stands above.", returncode=1)
    config.add_cleanup(_down)


@pytest.fixture(scope="module", autouse=True)
def _nobody_lives() -> None:
    """Take back what engines of the file before said: for some seconds the dialplan would believe that one lives."""
    if _chroot("status") == 0:
        _chroot("console", f"dialplan set global {HEARTBEAT} 0")
