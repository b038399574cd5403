"""The systemd unit says what the engine does."""

from pathlib import Path
from typing import Final

import pytest

from ivrengine.engine.limits import Limits

UNIT: Final = Path(__file__).parents[2] / "deploy" / "ivrengine.service"


def settings() -> dict[str, str]:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    names = [name for name, _, _ in pairs]
    assert len(names) == len(set(names))
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("KillSignal", "SIGTERM"),
        ("RestartKillSignal", "SIGUSR1"),
        ("KillMode", "mixed"),
        ("Restart", "on-failure"),
        ("User", "ivrengine"),
    ],
)
def test_a_stop_is_no_restart_and_a_failure_is_one(name: str, value: str) -> None:
    assert settings()[name] == value


def test_it_has_time_to_stop() -> None:
    limits = Limits()
    ships_s = 5.0
    assert int(settings()["TimeoutStopSec"]) > limits.drain_s + limits.parting_s + ships_s


def test_its_prompts_can_be_read_by_asterisk() -> None:
    assert settings()["UMask"] == "0022"
    assert settings()["StateDirectoryMode"] == "0751"
