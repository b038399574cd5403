"""After calls from a known number with known keys, everything that was written anywhere is searched for both of them."""

import asyncio
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.core.ids import BrandId, NumberId
from ivrengine.numbers.keyfile import load_keys
from ivrengine.numbers.seal import Sealed, Sealer
from ivrengine.store.database import Database
from tests.live.access import access
from tests.sip.phone import Answers
from tests.whole import records
from tests.whole.engine import Engine, open_folder
from tests.whole.people import HOUSE, dial, phone

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

NUMBER: Final = "+905397461825"
FORMS: Final = (NUMBER, "05397461825", "00905397461825", "905397461825")
MASK: Final = "+90 539 *** ** 25"
KEYS: Final = "7391846205"
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
