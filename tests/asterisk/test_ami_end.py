"""What is closed stays closed: panoramisk left alone would connect again two seconds later."""

import asyncio
from typing import Any

from ivrengine.asterisk import ami


class Cable(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


async def test_the_end_of_a_connection_begins_no_other_one() -> None:
    protocol = ami._Protocol(lambda _said: None, lambda _reason: None)
    cable = Cable()
    protocol.connection_made(cable)
    protocol.data_received(b"Asterisk Call Manager/11.0.0\r\nEvent: Shutdown\r\n\r\n")
    door = ami.Ami(protocol)
    asking = asyncio.ensure_future(door.ask("Ping"))
    await asyncio.sleep(0)
    assert b"Action: Ping" in cable.sent
    door.close()
    protocol.connection_lost(None)
    await asyncio.wait([asking])
    assert cable.closed
    assert door.lost.done()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    timers = [
        timer for timer in vars(asyncio.get_running_loop())["_scheduled"] if not timer.cancelled()
    ]
    assert timers == []
