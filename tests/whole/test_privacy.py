"""After calls from a known number with known keys, everything that was written anywhere is searched for both of them."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.core.ids import BrandId, NumberId
from ivrengine.numbers.keyfile import load_keys
from ivrengine.numbers.seal import Sealed, Sealer
from ivrengine.store.database import Database
from ivrengine.testing.given import Replies
from tests.live.access import access
from tests.sip.phone import Answers
from tests.whole import records
from tests.whole.engine import READY_WITHIN_S, Engine, open_folder
from tests.whole.other_system import on_stage, serving
from tests.whole.people import HOUSE, dial, phone

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

NUMBER: Final = "+905397461825"
FORMS: Final = (NUMBER, "05397461825", "00905397461825", "905397461825")
MASK: Final = "+90 539 *** ** 25"
KEYS: Final = "7391846205"
DIALOGUES: Final = "+90212444016"
"""The numbers of the flows of dialogues, but for the last digit."""
_TABLES: Final = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'events%'
"""


def _pieces(digits: str, length: int) -> re.Pattern[bytes]:
    """Return what matches any so long a piece of the digits, also written in groups."""
    pieces = [digits[at : at + length] for at in range(len(digits) - length + 1)]
    return re.compile("|".join("[ ().-]{0,2}".join(piece) for piece in pieces).encode())


OF_THE_NUMBER: Final = _pieces(NUMBER[3:], 7)
OF_THE_KEYS: Final = _pieces(KEYS, 6)


def _files(*folders: Path, since: float = 0.0) -> Iterator[Path]:
    """Yield the files in these folders that were written to since then."""
    for folder in folders:
        for where, _, names in os.walk(folder):
            paths = (Path(where, name) for name in names)
            yield from (
                path
                for path in paths
                if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since
            )


def _holding(pattern: re.Pattern[bytes], files: Iterable[Path]) -> list[str]:
    return [str(path) for path in files if pattern.search(path.read_bytes())]


async def _keys_in_a_number(form: str) -> None:
    async with dial(HOUSE, number=form) as call:
        await call.answered()
        await call.press(f"2{KEYS}#5", held_s=0.08, gap_s=0.05)
        await call.hung_up()


async def _calls_with_the_number_hidden() -> None:
    async with dial(HOUSE, number=NUMBER, withheld=True, keys="info") as call:
        await call.answered()
        await call.press(f"2{KEYS}#5", held_s=0.08, gap_s=0.05)
        await call.hung_up()


async def _keys_while_talking() -> None:
    async with phone("agent-101", Answers(after_s=0)) as desk, dial(HOUSE, number=NUMBER) as call:
        await call.answered()
        await call.press("3")
        agent = await desk.rung()
        await agent.answered()
        assert agent.shown == HOUSE
        await call.press(KEYS, held_s=0.08, gap_s=0.05)
        await call.hang_up()


async def _dials_a_wrong_number() -> None:
    async with dial("+902124440199", number=NUMBER) as call:
        await call.answered()


async def _is_handed_over(engine: Engine) -> None:
    """Is in the menu when the engine stops, and hangs up in the fallback's queue or before."""
    async with dial(HOUSE, number=NUMBER) as call:
        await call.answered()
        await call.press(f"2{KEYS}", held_s=0.08, gap_s=0.05)
        engine.term()
        assert await engine.ended() == 0


async def _tables(data: Path) -> tuple[str, list[tuple[str, Sealed]]]:
    """Return every table but the events as text, and the entries of the vault."""
    database = Database(None, data)
    connection = await database.read()
    try:
        names = [row["tablename"] for row in await connection.fetch(_TABLES)]
        assert {"calls", "numbers", "flow_versions", "parked_rows"} <= set(names), names
        text = [await connection.fetch(f"SELECT t::text FROM {name} AS t") for name in names]  # noqa: S608
        vault = await connection.fetch("SELECT number_id::text, key_id, sealed FROM numbers")
        return str(text), [
            (row["number_id"], Sealed(key_id=row["key_id"], sealed=row["sealed"])) for row in vault
        ]
    finally:
        await connection.close()
        await database.close()


async def test_no_number_and_no_keys_are_written_but_where_they_belong() -> None:
    with open_folder() as folder:
        engine = Engine(folder, limits__drain_s=0.1)
        engine.start()
        try:
            await engine.ready()
            await asyncio.gather(*map(_keys_in_a_number, FORMS))
            await asyncio.gather(
                _calls_with_the_number_hidden(), _keys_while_talking(), _dials_a_wrong_number()
            )
            await _is_handed_over(engine)
        finally:
            await asyncio.to_thread(engine.close)
        await _assert_nothing_is_told(engine)


SECRET: Final = KEYS[:8]
"""What is keyed in where a flow says that it is sensitive."""
_OF_THE_SECRET: Final = _pieces(SECRET, 5)


async def _keys_a_secret() -> None:
    async with dial(DIALOGUES + "1", number=NUMBER) as call:
        await call.answered()
        await call.press("2", held_s=0.08)
        await asyncio.sleep(1)  # so that the question has begun: keys before it do not count
        await call.press(f"{SECRET}#", held_s=0.08, gap_s=0.05)
        await call.hung_up(within_s=20)


async def _is_noted_and_written_to() -> None:
    async with dial(DIALOGUES + "1", number=NUMBER) as call:
        await call.answered()
        await call.press("11204#", held_s=0.08, gap_s=0.05)
        await call.hung_up(within_s=20)


async def _is_asked_about_elsewhere() -> None:
    async with dial(DIALOGUES + "2", number=NUMBER) as call:
        await call.answered()
        await call.hung_up(within_s=20)


async def _leaves_a_message() -> None:
    async with dial(DIALOGUES + "5", number=NUMBER) as call:
        await call.answered()
        await call.press("#", held_s=0.08)
        call.hum(440)
        await asyncio.sleep(6)  # a person speaks for so long
        call.hum(None)
        await call.hang_up()


@pytest.fixture
def stage() -> Iterator[Engine]:
    """An engine on the flows of dialogues."""
    with on_stage() as engine:
        yield engine


async def test_flows_that_note_write_ask_and_record_tell_nobody_the_number_nor_a_secret(
    stage: Engine,
) -> None:
    told = Replies(content={"account": {"owes": 100, "name": "Ali"}})
    replies = {MASK: {"look-up": told, "report": told}}
    async with serving(replies) as other, asyncio.TaskGroup() as callers:
        for does in (
            _keys_a_secret,
            _is_noted_and_written_to,
            _is_asked_about_elsewhere,
            _leaves_a_message,
        ):
            callers.create_task(does())
    await stage.said("shipping", within_s=READY_WITHIN_S)
    found = await records.shipped(stage.data, 4)
    await asyncio.to_thread(stage.close)
    done = Counter(kind for step in found.events for kind, _ in step.effects)
    assert done["KeepRecording"] == 2, "a message, and the recording of its call"
    tables, _ = await _tables(stage.data)
    root = access().root
    files = [*_files(stage.folder), *_files(root / "var", root / "run", since=stage.began_at)]
    for pattern in (OF_THE_NUMBER, _OF_THE_SECRET):
        assert _holding(pattern, files) == []
        assert [str(path) for path in files if pattern.search(str(path).encode())] == []
        assert not pattern.search(tables.encode())
        assert not pattern.search(str(other.asked).encode())
    assert "Daire 1204 için" in tables, "the search looks at wrong tables"
    assert "%2A%2A%2A" in str(other.asked), "or at wrong requests"


async def _assert_nothing_is_told(engine: Engine) -> None:
    tables, vault = await _tables(engine.data)
    root = access().root
    asterisk = [*_files(root / "var", since=engine.began_at)]
    asterisk += _files(
        root / "var/log", root / "var/spool", root / "var/lib/asterisk", root / "run"
    )
    assert root / "var/log/asterisk/messages.log" in asterisk, "the search looks in wrong places"
    of_events = {engine.data / "journal", engine.data / "postgres"}
    ours = [*_files(engine.folder)]
    assert _holding(OF_THE_NUMBER, [*ours, *asterisk]) == []
    assert not OF_THE_NUMBER.search(tables.encode())
    elsewhere = [path for path in ours if not of_events & {*path.parents}]
    assert _holding(OF_THE_KEYS, [*elsewhere, *asterisk]) == []
    assert not OF_THE_KEYS.search(tables.encode())
    assert MASK in tables, "the search looks at wrong tables"
    assert _holding(re.compile(re.escape(MASK).encode()), [engine.log]), "or at a wrong log"
    _assert_the_vault_opens(engine, vault)


def _assert_the_vault_opens(engine: Engine, vault: list[tuple[str, Sealed]]) -> None:
    sealer = Sealer(load_keys(engine.data / "keys"))
    opened = [
        sealer.open_number(BrandId("house"), NumberId(number_id), sealed)
        for number_id, sealed in vault
    ]
    assert opened == [NUMBER] * len(opened)
    arrived = records.arrivals(engine.data)
    kept = {fields["caller"]["number_id"] for fields in arrived} - {None}
    assert {number_id for number_id, _ in vault} == kept
    assert sum(fields["caller"]["withheld"] for fields in arrived) == 1
    assert len(arrived) == len(FORMS) + 3
