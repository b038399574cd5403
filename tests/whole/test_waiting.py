"""A caller waits on the real thing: with music, for as long as the flow says or until a key; and what decides in silence."""

import pytest

from tests.live.access import access
from tests.sip import hearing
from tests.sip.g711 import RATE, Samples
from tests.whole import people, records
from tests.whole.engine import Engine
from tests.whole.people import HOUSE, dial, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]


def _music() -> Samples:
    """Return the beginning of the music: it begins anew for every channel."""
    sound = hearing.read_wav(access().root / "var/lib/ivrengine/music/default/calm.wav")
    return sound[: 2 * RATE]


async def test_music_plays_while_a_caller_waits_and_ends_before_the_flow_goes_on(
    house: Engine,
) -> None:
    async with dial(HOUSE) as call:
        await call.answered()
        await call.press("*")
        music = await call.hears(_music(), within_s=5)
        talked = await call.hears(prompt("house-talked"))
        assert 2.5 < talked.offset_s - music.offset_s < 6, "four seconds"
        await call.hears(prompt("house-farewell"))
        await call.hung_up()
    path = records.path_of(house.data, records.last_call(house.data))
    assert [exit_name for node, exit_name in path if node == "a-moment"] == ["next"]
    assert ("is-open", "open") in path
    assert {node for node, _ in path} >= {"by-chance"}
    await people.nothing_left()


async def test_a_key_ends_the_music(house: Engine) -> None:
    async with dial(HOUSE) as call:
        await call.answered()
        await call.press("*")
        await call.hears(_music(), within_s=5)
        await call.press("5")
        await call.hears(prompt("house-farewell"))
        await call.hung_up()
    assert ("a-moment", "key") in records.path_of(house.data, records.last_call(house.data))
    await people.nothing_left()
