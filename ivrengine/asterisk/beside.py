"""What goes on at an Asterisk beside its calls: the manager interface."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

from ivrengine.asterisk.ami_eye import Eye
from ivrengine.asterisk.ami_link import AmiLink
from ivrengine.asterisk.listening import Listener
from ivrengine.asterisk.meter import Meter
from ivrengine.asterisk.node import Node
from ivrengine.asterisk.switch import AriSwitch


class Beside:
    """One Asterisk's AMI; without it in the settings there is nothing to do."""

    def __init__(
        self,
        node: Node,
        switch: AriSwitch,
        *,
        listener: Listener,
        now: Callable[[], datetime],
        meter: Meter,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.ami: AmiLink | None = None
        """The link to its manager interface, if the settings name one: ``up`` and ``trouble`` say how it stands."""
        if node.ami is not None:
            eye = Eye(node, read=switch.read, tell=listener, rung=self._rung, now=now, meter=meter)
            self.ami = AmiLink(node.ami, eye, meter=meter, chance=chance)

    def _rung(self, line: str) -> None:
        del line

    async def run(self) -> None:
        """Go on until cancelled; whatever is lost is found again, and nothing here ends a call."""
        async with asyncio.TaskGroup() as group:
            if self.ami is not None:
                group.create_task(self.ami.run())
