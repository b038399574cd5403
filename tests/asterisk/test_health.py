"""The health of a link: asked of the application, because a deadlocked ARI still answers pings."""

import pytest
import structlog

from ivrengine.asterisk import backoff, link
from tests.asterisk.fake_ari import (
    hangs,
    linked,
    loses_the_answer,
    says,
)

pytestmark = pytest.mark.real_time


ARRIVAL = {
    "type": "StasisStart",
    "args": ["inbound", "+902124440101", "05321234567", "allowed"],
    "channel": {"id": "1.7", "state": "Ring"},
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "MOST_S", 0.05)
    monkeypatch.setattr(link, "HEALTH_EVERY_S", 0.02)
    monkeypatch.setattr(link, "HEALTH_LIMIT_S", 0.1)


async def test_the_health_check_asks_for_the_application_and_never_pings() -> None:
    async with linked() as door:
        await door.until(lambda: door.fake.health_checks() >= 3)
        assert not any("ping" in each.path for each in door.fake.asked)


async def test_a_deadlocked_ari_is_unhealthy_and_the_link_stays() -> None:
    async with linked() as door:
        door.fake.reply("GET", "/applications/ivrengine", hangs)
        with structlog.testing.capture_logs() as logs:
            await door.until(lambda: not door.switch.healthy)
            so_far = door.fake.health_checks()
            await door.until(lambda: door.fake.health_checks() >= so_far + 2)
        assert door.switch.up
        assert [entry["event"] for entry in logs] == ["asterisk unhealthy"]
        await door.fake.send(ARRIVAL)
        await door.heard(2)
        door.fake.replies.clear()
        await door.until(lambda: door.switch.healthy)
        assert door.meter.health == [True, False, True]


async def test_a_socket_that_asterisk_knows_nothing_of_is_opened_again() -> None:
    async with linked() as door:
        door.fake.reply("GET", "/applications/ivrengine", says(404))
        await door.fake.opened(2)
        door.fake.replies.clear()
        await door.until(lambda: door.switch.healthy)


async def test_a_lost_answer_to_the_health_check_is_no_reason_to_close_the_socket() -> None:
    async with linked() as door:
        door.fake.reply("GET", "/applications/ivrengine", loses_the_answer)
        await door.until(lambda: not door.switch.healthy)
        so_far = door.fake.health_checks()
        await door.until(lambda: door.fake.health_checks() >= so_far + 2)
        assert len(door.fake.sockets) == 1
