"""Offers half again as many calls as the engine holds, for a minute: how many are still served, and how soon it is calm.

The highest rate that is held without a failure is looked for first. Callers who are refused (486) are not served; what counts
is how many get through the menu call to its end.
"""

import asyncio
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Final

import aiohttp

from bench import callers, processes
from bench.contenders import DIDS, ENGINE
from tests.live import access

HELD_SHARE: Final = 0.999
STEP: Final = 25
SETTLE_S: Final = 2.0
OVERLOAD: Final = 1.5
CALM_WITHIN_S: Final = 60.0
LOOK_EVERY_S: Final = 0.5
_KIB_A_MIB: Final = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long it takes."""

    begin_per_s: int = 150
    climb_s: float = 15.0
    """A few seconds can be borne that cannot be borne for long."""
    offer_s: float = 60.0


QUICK: Final = Plan(offer_s=20.0)


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures of one knee and the flood after it."""
    return asyncio.run(_measured(QUICK if quick else Plan()))


async def _measured(plan: Plan) -> dict[str, float]:
    did = DIDS[ENGINE]
    with tempfile.TemporaryDirectory() as folder:
        ready = (processes.LINKED, processes.SHIPPING)
        async with processes.engine(Path(folder), *ready) as engine:
            await callers.call(did, 40, 4)  # caches and connections warm up
            knee = await _knee(did, plan)
            began_mib = _resident_mib(engine)
            offered = round(OVERLOAD * knee)
            calls = await callers.call(did, offered, plan.offer_s)
            calm_s = await _calm(did)
            return {
                "knee_per_s": knee,
                "offered_per_s": offered,
                "served_per_s": calls.done / plan.offer_s,
                "share": calls.done / plan.offer_s / knee,
                "refused_per_s": calls.refused / plan.offer_s,
                "failed_per_s": calls.failed / plan.offer_s,
                "calm_after_s": calm_s,
                "grown_mib": _resident_mib(engine) - began_mib,
            }


async def _knee(did: str, plan: Plan) -> int:
    """Return the highest rate at which nearly all calls go to their end."""
    rate = plan.begin_per_s
    if await _holds(did, rate, plan):
        while await _holds(did, rate + STEP, plan):
            rate += STEP
    else:
        while rate > STEP and not await _holds(did, rate, plan):
            rate -= STEP
    return rate


async def _holds(did: str, per_s: int, plan: Plan) -> bool:
    calls = await callers.call(did, per_s, plan.climb_s)
    await asyncio.sleep(SETTLE_S)
    return calls.success >= HELD_SHARE


def _resident_mib(engine: processes.Program) -> float:
    return engine.resident_kib / _KIB_A_MIB


async def _calm(did: str) -> float:
    """Wait until Asterisk has no channel of those callers any more; return how long that took.

    Channels of other numbers do not count: an application that lost its way in another bench leaves some behind.
    """
    known = access.access()
    login = aiohttp.encode_basic_auth(known.ari_user, known.ari_password)
    began = time.monotonic()
    async with (
        asyncio.timeout(CALM_WITHIN_S),
        aiohttp.ClientSession(headers={"Authorization": login}) as http,
    ):
        while True:
            async with http.get(f"{known.ari_url}/channels") as response:
                found = await response.json()
                if not any(channel["dialplan"]["exten"] == did for channel in found):
                    return time.monotonic() - began
            await asyncio.sleep(LOOK_EVERY_S)
