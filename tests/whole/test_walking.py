"""SIPp's callers through the example flow to its end, and what ``ivrengine calls`` tells of them afterwards."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.live.access import CHECKOUT, access
from tests.sip.phone import Answers
from tests.whole import records
from tests.whole.engine import Engine
from tests.whole.people import ESTATE, phone

pytestmark = [pytest.mark.sipp, pytest.mark.asterisk, pytest.mark.postgres]

SCENARIOS: Final = CHECKOUT / "tests" / "live" / "sipp"
NUMBER: Final = "+905321234567"
INFO_SOURCE: Final = "127.0.0.2"
"""The trunk whose keys come by SIP INFO."""
_KEY: Final = re.compile(
    r'  <send retrans="500">(?:(?!</send>).)*INFO.*?</send>\n  <recv response="200"/>\n', re.DOTALL
)


def _pressing(keys: str, folder: Path) -> Path:
    """Return the scenario of a caller by SIP INFO who presses several keys, made from that of one who presses one."""
    scenario = (SCENARIOS / "caller_info.xml").read_text(encoding="utf-8")
    block = _KEY.search(scenario)
    assert block is not None
    pause = '  <pause milliseconds="150"/>\n'
    blocks = [
        pause + block[0].replace("[digit]", key).replace("CSeq: 2", f"CSeq: {number}")
        for number, key in enumerate(keys, start=2)
    ]
    path = folder / "caller_info_keys.xml"
    path.write_text(scenario.replace(block[0], "".join(blocks)), encoding="utf-8")
    return path


async def _sipp(folder: Path, scenario: Path, *options: str) -> None:
    """Play one caller; SIPp says whether all went as the scenario has it, up to the hang-up by the other side."""
    host, port = access().sip
    where = (f"{host}:{port}", "-s", ESTATE, "-key", "number", NUMBER)
    process = await asyncio.create_subprocess_exec(
        *("sipp", *where, "-sf", str(scenario), "-m", "1", "-nostdin", "-timeout", "40", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-2000:]


async def _asked(engine: Engine, *words: str) -> Any:
    """Return what a command of ``ivrengine calls`` prints as JSON."""
    ran = await engine.run("calls", *words, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def _path(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(visit["node"], visit["exit"]) for visit in shown["nodes"]]


def _pressed(shown: dict[str, Any]) -> str:
    moments = (moment for visit in shown["nodes"] for moment in visit["moments"])
    return "".join(moment["digits"] for moment in moments if moment["what"] == "pressed")


def _expected(language: str, key: str) -> list[tuple[str, str]]:
    return [
        ("whose-language", "otherwise"),
        ("welcome", "next"),
        ("choose-language", key),
        (language, "next"),
        ("main-menu", "1"),
        ("ask-flat", "next"),
        ("check-flat", "case 1"),
        ("dues", "next"),
        ("main-menu", "0"),
        ("to-reception", "next"),
        ("reception", "next"),
    ]


@pytest.mark.parametrize(
    ("by", "language", "keys"),
    [("info", "english", "2142#0"), ("rfc4733", "turkish", "1142#0")],
)
async def test_a_caller_walks_the_example_flow_to_its_end(
    estate: Engine, tmp_path: Path, by: str, language: str, keys: str
) -> None:
    if by == "info":
        options = ("-i", INFO_SOURCE, "-key", "heard_port", "9")
        walk = _sipp(tmp_path, _pressing(keys, tmp_path), *options)
    else:
        options = ("-i", "127.0.0.1", "-key", "digits", keys)
        walk = _sipp(tmp_path, SCENARIOS / "caller_rfc4733.xml", *options)
    async with phone("agent-101", Answers(hang_up_after_s=0.5)):
        await walk
    await records.ended(estate.data)
    await records.shipped(estate.data, len(records.arrivals(estate.data)))
    shown, listed = await asyncio.gather(
        _asked(estate, "show", "last"), _asked(estate, "list", "--flow", "guneskent-main")
    )
    assert _path(shown) == _expected(language, keys[0])
    assert _pressed(shown) == keys
    assert shown["call"]["outcome"] == "transferred"
    assert shown["call"]["phase"] == "ended"
    assert shown["call"]["language"] == {"english": "en", "turkish": "tr"}[language]
    assert shown["call"]["caller"] == "+90 532 *** ** 67"
    assert all(visit["duration_s"] >= 0 for visit in shown["nodes"])
    assert listed[0] == shown["call"]
    assert len(listed) == len(records.arrivals(estate.data))
