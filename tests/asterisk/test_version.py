"""Which Asterisk is let in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk.version import FLOORS, shortcoming


@pytest.mark.parametrize(
    "version",
    [
        "20.20.1",
        "20.21.0",
        "22.10.1",
        "22.10.1+dfsg+~cs6.17.60671434-1",
        "22.11.0-rc1",
        "23.4.1",
        "24.0.0",
        "25.1.2",
    ],
)
def test_a_release_without_known_holes_is_safe(version: str) -> None:
    assert shortcoming(version) is None


@pytest.mark.parametrize(
    "version",
    ["20.20.0", "22.10.0", "22.9.9", "23.4.0", "23.0.0", "21.99.9", "19.1.0", "18.26.4", "1.8.32"],
)
def test_a_release_with_known_holes_is_not_and_is_told_which(version: str) -> None:
    told = shortcoming(version)
    assert told is not None
    assert version in told
    assert "GHSA-" in told
    assert "20.20.1+, 22.10.1+, 23.4.1+" in told


@pytest.mark.parametrize(
    "version",
    [
        "",
        "certified/20.7-cert5",
        "GIT-master-12ab",
        "22",
        "22.10",
        "22.10.1.4",
        "x22.10.1",
        "\u0662\u0662.\u0661\u0660.\u0661",
    ],
)
def test_what_is_no_release_cannot_be_judged_and_is_not_safe(version: str) -> None:
    told = shortcoming(version)
    assert told is not None
    assert "not a release" in told


@given(st.text())
def test_no_text_makes_it_raise(version: str) -> None:
    told = shortcoming(version)
    assert told is None or len(told) < 600


@given(st.sampled_from(sorted(FLOORS)), st.integers(0, 99), st.integers(0, 99))
def test_the_floor_of_a_branch_is_exact(branch: int, minor: int, patch: int) -> None:
    safe = (branch, minor, patch) >= FLOORS[branch]
    assert (shortcoming(f"{branch}.{minor}.{patch}") is None) == safe
