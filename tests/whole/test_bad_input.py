"""``serve`` with something wrong: one clear line, and the exit code that fits or further attempts; never a traceback."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ivrengine.flow.load import load_folder
from tests.asterisk.fake_ari import PASSWORD, FakeAri
from tests.faults.cable import Cable
from tests.live.access import access
from tests.whole.engine import EXAMPLES, FLOWS, Engine, open_folder, redirected, until
from tests.whole.people import HOUSE, dial
from tests.whole.strangers import (
    Stranger,
    Talk,
    postgres_with_another_password,
    secure_shell,
    silence,
    web_page,
    web_page_not_found,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

NOWHERE: Final = "postgresql://engine:s3cr3t-w0rd@127.0.0.1:1/calls"
"""A database that nobody serves; what is tested here comes before it."""
SECRET: Final = "s3cr3t-w0rd"


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@contextlib.asynccontextmanager
async def served(folder: Path, **settings: Any) -> AsyncIterator[Engine]:
    """Start an engine, whatever comes of it; at the end it is killed, and has written no traceback."""
    engine = Engine(folder, **{"database_url": NOWHERE, "log__level": "info", **settings})
    engine.start()
    try:
        yield engine
    finally:
        if engine.code is None:
            engine.kill()
        text = engine.log.read_text(encoding="utf-8")
        assert "Traceback" not in text, text
        assert SECRET not in text, text
        assert access().ari_password not in text, text


async def _complains(folder: Path, code: int, **settings: Any) -> list[str]:
    """Start an engine that cannot start; return what it tells people."""
    async with served(folder, **settings) as engine:
        assert await engine.ended() == code
        assert not engine.lines(), "an engine that cannot start does not begin to log"
        return engine.told_people()


# What it cannot start with


async def test_a_missing_settings_file(folder: Path) -> None:
    told = await _complains(folder, 2, settings=folder / "nowhere.toml")
    assert len(told) == 1
    assert "nowhere.toml" in told[0]


async def test_settings_that_are_not_known_are_told_all_at_once(folder: Path) -> None:
    path = folder / "settings.toml"
    text = access().settings.read_text(encoding="utf-8")
    path.write_text(
        f"flow_dir = 'x'\n{text}\npasword = 'x'\n[journal]\nfsync = 'always'\n", "utf-8"
    )
    told = await _complains(folder, 2, settings=path)
    assert len(told) == 3, told
    assert "flows_dir" in told[0], "did you mean"
    assert all(f"{path}:" in line for line in told), "each with its place"


async def _complains_of_its_database(folder: Path, url: str) -> None:
    async with served(folder, database_url=url, log__level="error") as engine:
        assert await engine.ended() == 2
        assert not engine.lines()
        told = engine.told_people()
    assert len(told) == 1
    assert "DATABASE_URL: expected" in told[0]


async def test_a_database_url_that_is_none(folder: Path) -> None:
    urls = (
        f"mysql://engine:{SECRET}@127.0.0.1/calls",
        f"127.0.0.1:5432/{SECRET}",
        f"postgresql://engine:{SECRET}@127.0.0.1:54e2/calls",
        f"postgresql://engine:{SECRET}@127.0.0.1/calls?sslmode={SECRET}",
    )
    folders = (folder / str(number) for number in range(len(urls)))
    await asyncio.gather(*map(_complains_of_its_database, folders, urls))


async def test_a_folder_of_flows_that_is_not_there(folder: Path) -> None:
    told = await _complains(folder, 2, flows=folder / "nowhere")
    assert len(told) == 1, told
    assert str(folder / "nowhere") in told[0]


async def test_a_folder_without_flows(folder: Path) -> None:
    (folder / "empty").mkdir()
    told = await _complains(folder, 1, flows=folder / "empty")
    assert "there is no flow in" in told[-1]


async def test_a_data_folder_that_cannot_be_written(folder: Path) -> None:
    (folder / "file").touch()
    told = await _complains(folder, 1, data_dir=folder / "file" / "data")
    assert len(told) == 1
    assert "Not a directory" in told[0]


async def test_a_folder_of_prompts_that_cannot_be_written(folder: Path) -> None:
    """There are none in it yet: an engine that answered would be mute."""
    (folder / "file").touch()
    async with served(folder, asterisk__0__sounds_dir=folder / "file" / "sounds") as engine:
        assert await engine.ended() == 1
        assert [line["event"] for line in engine.lines()] == ["making prompts"]
        told = engine.told_people()
    assert len(told) == 1
    assert "not one prompt can be played" in told[0]
    assert told[0].endswith("the folder of prompts cannot be written: Not a directory")


async def test_an_engine_that_is_told_to_stop_before_it_is_ready_stops(folder: Path) -> None:
    settings = {"flows": EXAMPLES, "asterisk__0__sounds_dir": folder / "sounds"}
    async with served(folder, **settings) as engine:
        assert (await engine.said("making prompts"))["prompts"] > 30
        engine.term()
        assert await engine.ended(within_s=3) == 0
        assert not engine.lines("engine ready")
        assert not engine.told_people()
    assert not [path for path in (folder / "sounds").glob("*") if "workshop" in path.name]


async def test_a_second_engine_on_the_same_data(folder: Path) -> None:
    async with served(folder) as first:
        await first.said("engine ready")
        second = Engine(folder / "second", data_dir=first.data)
        second.start()
        assert await second.ended() == 1
        told = second.told_people()
        assert len(told) == 1
        assert f"another engine is running on {first.data}" in told[0]
        assert first.code is None


# What it starts with, and tells


async def test_what_is_wrong_in_flows_is_told_and_what_is_right_is_served(folder: Path) -> None:
    flows = folder / "flows"
    shutil.copytree(FLOWS, flows)
    broken = (
        "flow: broken\nbrand: house\nlanguages: [tr]\nstart: nowhere\nnodes:\n  a: {type: hangup}\n"
    )
    (flows / "broken.yaml").write_text(broken, encoding="utf-8")
    async with served(folder, flows=flows) as engine:
        await engine.said("asterisk linked")
        sound, _ = load_folder(FLOWS)
        assert (await engine.said("engine ready"))["flows"] == len(sound.flows)
        told = [line for line in engine.told_people() if " error " in line]
        assert told
        assert all(line.startswith(f"{flows}/broken.yaml:4:") for line in told)


Attempts = Callable[[], int]


@contextlib.asynccontextmanager
async def _wrong_password() -> AsyncIterator[tuple[dict[str, str], Attempts]]:
    async with Cable.between(access().ari) as cable:
        yield {"url": cable.url, "password": SECRET}, lambda: cable.asked


@contextlib.asynccontextmanager
async def _stranger(talk: Talk) -> AsyncIterator[tuple[dict[str, str], Attempts]]:
    async with Stranger.opens(talk) as stranger:
        yield {"url": f"http://127.0.0.1:{stranger.port}/"}, lambda: stranger.knocks


@contextlib.asynccontextmanager
async def _old_asterisk() -> AsyncIterator[tuple[dict[str, str], Attempts]]:
    fake = FakeAri()
    fake.version = "20.5.0"
    await fake.start()
    try:
        asked = "/asterisk/info"
        yield (
            {"url": f"{fake.url}/", "password": PASSWORD},
            lambda: sum(each.path == asked for each in fake.asked),
        )
    finally:
        await fake.stop()


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        (_wrong_password, "refuses the user 'ivrengine' or the password; compare ari.conf"),
        (lambda: _stranger(web_page), "answers, but not as ARI does"),
        (lambda: _stranger(web_page_not_found), "answers, but there is no ARI"),
        (lambda: _stranger(secure_shell), "cannot be reached: what came was no HTTP answer"),
        (_old_asterisk, "is refused: version 20.5.0 has known holes"),
    ],
    ids=["wrong password", "web page", "no page", "no web server", "old Asterisk"],
)
async def test_an_asterisk_that_will_not_do_is_told_once_and_tried_again(
    folder: Path,
    at: Callable[[], contextlib.AbstractAsyncContextManager[tuple[dict[str, str], Attempts]]],
    sentence: str,
) -> None:
    async with (
        at() as (changes, attempts),
        served(folder, settings=redirected(folder, **changes)) as engine,
    ):
        told = await engine.said("asterisk not linked")
        assert sentence in told["reason"]
        before = attempts()
        await until(lambda: attempts() >= before + 2, 10)
        reasons = [line["reason"] for line in engine.lines("asterisk not linked")]
        # What is no web server breaks off before it is asked, or after; each is said once.
        assert len(reasons) == len(set(reasons)) <= 2
        assert not engine.told_people()


async def test_an_asterisk_that_comes_up_later_is_found(folder: Path) -> None:
    fake = FakeAri()
    await fake.start()
    await fake.stop()
    settings = redirected(folder, url=f"{fake.url}/", password=PASSWORD)
    async with served(folder, settings=settings) as engine:
        told = await engine.said("asterisk not linked")
        assert told["reason"] == f"{fake.url} cannot be reached: nothing listens there"
        await fake.start(fake.port)
        await engine.said("asterisk linked")
        assert len(engine.lines("asterisk not linked")) == 1
    await fake.stop()


@pytest.mark.parametrize(
    ("talk", "sentence"),
    [
        (
            postgres_with_another_password,
            "it refuses the user engine: wrong password, or no such user",
        ),
        (secure_shell, "cannot be used"),
        (None, "nobody listens there"),
    ],
    ids=["wrong password", "no database", "nobody"],
)
async def test_a_database_that_will_not_do_is_told_once_and_calls_are_answered(
    folder: Path, talk: Talk | None, sentence: str
) -> None:
    async with Stranger.opens(talk or silence) as stranger:
        port = stranger.port if talk else 1
        url = f"postgresql://engine:{SECRET}@127.0.0.1:{port}/calls"
        async with served(folder, flows=FLOWS, database_url=url) as engine:
            told = await engine.said("shipping interrupted")
            assert sentence in told["reason"]
            await engine.said("asterisk linked")
            async with dial(HOUSE) as call:
                await call.answered()
            before = stranger.knocks
            await until(lambda: not talk or stranger.knocks >= before + 1, 10)
            assert len(engine.lines("shipping interrupted")) == 1
            assert not engine.told_people()


async def test_with_256_descriptors_and_a_gigabyte_of_memory_it_says_so_and_serves(
    folder: Path,
) -> None:
    engine = Engine(folder, log__level="info")
    engine.under = ("prlimit", "--nofile=100:256", f"--as={1 << 30}")
    engine.start()
    try:
        few = await engine.said("few file descriptors", within_s=45)
        assert (few["limit"], few["expected"]) == (256, 1024)
        await engine.ready()
        async with contextlib.AsyncExitStack() as stack:
            calls = [await stack.enter_async_context(dial(HOUSE)) for _ in range(10)]
            await asyncio.gather(*(call.answered() for call in calls))
        await engine.said("shipping", within_s=30)
        assert "Traceback" not in engine.log.read_text(encoding="utf-8")
    finally:
        engine.close()


async def test_what_may_not_be_listened_on_is_a_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        told = await _complains(folder, 1, metrics__listen=listen)
    assert told == [
        f"ivrengine: metrics.listen: {listen} cannot be listened on: Address already in use"
    ]


async def test_an_asterisk_that_refuses_our_address_is_told_once(folder: Path) -> None:
    fake = FakeAri()
    await fake.start()
    fake.forbids = True
    settings = redirected(folder, url=f"{fake.url}/", password=PASSWORD)
    try:
        async with served(folder, settings=settings) as engine:
            told = await engine.said("asterisk not linked")
            assert "is this address refused by deny or acl in ari.conf?" in told["reason"]
            before = len(fake.headers)
            await until(lambda: len(fake.headers) >= before + 2, 10)
            assert len(engine.lines("asterisk not linked")) == 1
    finally:
        await fake.stop()
