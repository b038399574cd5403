"""The door's numbers and Asterisk's, which must fit each other."""

import re
from pathlib import Path
from typing import Final

from ivrengine.asterisk import wire

CONF: Final = Path(__file__).resolve().parents[2] / "asterisk-conf"


def lines(name: str) -> dict[str, str]:
    text = (CONF / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^\s*(\w+)\s*=\s*([^;\n]*?)\s*$", text, re.MULTILINE))


def test_three_engines_and_a_person_fit_into_asterisk_s_session_limit() -> None:
    assert int(lines("http.conf")["sessionlimit"]) >= 3 * (wire.CONNECTIONS_MAX + 1) + 1


def test_one_engine_fits_even_into_the_limit_of_an_asterisk_that_nobody_configured() -> None:
    assert wire.CONNECTIONS_MAX + 1 <= 100


def test_we_close_idle_connections_before_asterisk_does() -> None:
    assert wire.KEEP_ALIVE_S < 15
    assert int(lines("http.conf")["session_keep_alive"]) > wire.KEEP_ALIVE_S * 1000


def test_no_snapshot_carries_channel_variables() -> None:
    assert "channelvars" not in lines("ari.conf")


def test_a_slow_reader_is_not_thrown_out_at_once() -> None:
    assert int(lines("ari.conf")["websocket_write_timeout"]) >= 1000
