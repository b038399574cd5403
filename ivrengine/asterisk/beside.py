"""What goes on at an Asterisk beside its calls: sight through AMI, missed calls, callers taken back from the fallback queue."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

from ivrengine.asterisk.ami_eye import Eye
from ivrengine.asterisk.ami_link import AmiLink
from ivrengine.asterisk.listening import Listener
from ivrengine.asterisk.meter import Meter
from ivrengine.asterisk.missed import Missed
from ivrengine.asterisk.missed_lines import Reading
from ivrengine.asterisk.node import Node
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.asterisk.taking_back import TakingBack
from ivrengine.core.ids import NodeName


class Beside:
    """One Asterisk beside its calls; with nothing of it in the settings there is nothing to do."""

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
        name = NodeName(node.name)
        reading = Reading(node=name, country=node.country, seal_key=node.seal_key)
        self._missed = Missed(reading, node.missed_dir, tell=listener, meter=meter)
        self._back: TakingBack | None = None
        if node.ami is not None:
            eye = Eye(
                node,
                read=switch.read,
                tell=listener,
                rung=self._missed.ring,
                now=now,
                meter=meter,
            )
            self.ami = AmiLink(node.ami, eye, meter=meter, chance=chance)
            self._back = TakingBack(
                name,
                node.fallback_queue,
                waiting=lambda: eye.waiting,
                ask=self.ami.ask,
                read=switch.read,
            )
            switch.hear_heartbeats(self._back.hear)

    async def run(self) -> None:
        """Go on until cancelled; whatever is lost is found again, and nothing here ends a call."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._missed.run())
            if self.ami is not None and self._back is not None:
                group.create_task(self.ami.run())
                group.create_task(self._back.run())
