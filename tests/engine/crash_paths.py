"""Ways through the example flows: together they pass every kind of node, and every kind of effect that there is."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from ivrengine.core import events
from ivrengine.flow.book import Book
from ivrengine.flow.load import load_folder
from ivrengine.sim.phones import Answers, Behaviour, Busy, Declines, Phone, Rings, Unreachable
from ivrengine.sim.script import HangUp, Press, Reflex, Say, Script, Step, Wait
from tests.engine.a_house import NOON, House, book_of
from tests.flow.walk import flow_of

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = (_REPOSITORY / "flows", _REPOSITORY / "docs" / "flow-language")
"""The example flows, and those of the language reference."""
MIDNIGHT: Final = NOON.replace(hour=22)
ESTATE: Final = "+902124440101"
READERS: Final = "+902124440102"
ASKING: Final = "+902124440109"
ASKS: Final = """
    variables: {balance: {type: double, default: 0}}
    start: ask
    on_hangup: say-so
    nodes:
      ask:
        type: http
        url: https://erp.example.com/balance
        result: {balance: balance}
        next: tell
        failed: bye
      tell:
        type: http
        method: POST
        url: https://erp.example.com/reminders
        body: {balance: balance}
        next: bye
        failed: bye
      say-so:
        type: http
        method: POST
        url: https://erp.example.com/reminders
        next: end
        failed: end
      bye: {type: hangup, prompt: bye}
      end: {type: hangup}
"""
MOBILE: Final = "+905320000067"
TEXTED: Final = "+902125550120"
SURVEYED: Final = "+902125550122"
MESSAGES: Final = "+902125550124"
RECORDED: Final = "+902125550125"
Meddling = Callable[[House], Awaitable[None]]
"""Something that befalls the call besides: it is waited for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrashPath:
    """One caller's way."""

    name: str
    did: str
    number: str | None = None
    """From which they call; None: withheld."""
    keys: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """What is pressed when a prompt begins: the first time, the second …, the last ever after. ``h`` hangs up, ``s`` speaks."""
    phones: Mapping[str, tuple[Behaviour, ...]] = dataclasses.field(default_factory=dict)
    """How each phone behaves, rung for the first time, the second … and ever after."""
    started_at: datetime = NOON
    meddling: Meddling | None = None

    def script(self) -> Script:
        reflexes = tuple(
            Reflex(prompt=prompt, does=tuple(map(_steps, keys)))
            for prompt, keys in self.keys.items()
        )
        return Script(reflexes=reflexes, fallback_s=600)

    def all_phones(self) -> tuple[Phone, ...]:
        return tuple(
            Phone(f"PJSIP/{name}", _in_turn(list(self.phones.get(name, (Unreachable(),)))))
            for name in ("agent-101", "agent-102", "agent-103", "agent-104")
        )


def _steps(keys: str) -> tuple[Step, ...]:
    if keys == "h":
        return (HangUp(after_s=0.5),)
    if keys.startswith("s"):
        return (Wait(for_s=0.5), Say(for_s=3), *_steps(keys[1:]))
    return (Press(digits=keys, after_s=0.5),) if keys else ()


def _in_turn(behaviours: list[Behaviour]) -> Callable[[], Behaviour] | Behaviour:
    if isinstance(behaviours[0], Unreachable):
        return behaviours[0]
    return lambda: behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]


def examples() -> Book:
    """Return the example flows, those of the language reference, and one that asks other systems."""
    [book, others] = [load_folder(folder)[0] for folder in FOLDERS]
    asks = flow_of(ASKS)
    asking = next(iter(book_of(asks).brands.values()))
    exact = {ASKING: (asks.brand, asks.ref.name)}
    return dataclasses.replace(
        book,
        flows={**book.flows, **others.flows, (asks.brand, asks.ref.name): asks},
        brands={**book.brands, **others.brands, asks.brand: asking},
        prompts={**book.prompts, **others.prompts},
        routes=dataclasses.replace(
            book.routes, exact={**book.routes.exact, **others.routes.exact, **exact}
        ),
    )


async def interrupt(house: House) -> None:
    """Let the flow be broken off, as a stopping engine does."""
    await asyncio.sleep(3)
    for task in house.engine._calls.values():
        task.post(events.FlowInterrupted(at=house.now(), reason="engine stopping"))


async def part(house: House) -> None:
    """Let a talk fall apart while nobody listens: the phone is alone in the bridge when the link is back."""
    while not house.switch.exchange.bridges:
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.5)
    house.switch.drop_link()
    [bridge] = house.switch.exchange.bridges.values()
    caller = next(it for it in bridge.channels if ":ivr-" not in it.channel_id)
    house.switch.exchange.remove_from_bridge(bridge.bridge_id, [caller.channel_id])
    house.switch.start()


TALKS: Final = Answers(after_s=1, talks_s=4)
PATHS: Final = (
    CrashPath(
        name="dues, then reception",
        did=ESTATE,
        keys={"choose-language": ("1",), "main-menu": ("1", "0"), "ask-flat": ("42#",)},
        phones={"agent-101": (TALKS,)},
    ),
    CrashPath(
        name="silence, then reception",
        did=ESTATE,
        phones={"agent-101": (Answers(after_s=1, talks_s=3),)},
    ),
    CrashPath(
        name="wrong flats in English, nobody at reception",
        did=ESTATE,
        keys={"choose-language": ("2",), "main-menu": ("1",), "ask-flat": ("999#",)},
        phones={"agent-101": (Rings(),)},
    ),
    CrashPath(
        name="wrong keys, reception busy, once more, then back",
        did=ESTATE,
        keys={"choose-language": ("7",), "main-menu": ("7", "0", "h"), "once-more": ("1", "2")},
        phones={"agent-101": (Busy(), Declines(after_s=1))},
    ),
    CrashPath(
        name="a fault by day, the technician away, reception too",
        did=ESTATE,
        keys={"choose-language": ("1",), "main-menu": ("2",)},
        phones={"agent-102": (Declines(after_s=1),)},
    ),
    CrashPath(
        name="an emergency at night",
        did=ESTATE,
        keys={
            "choose-language": ("1",),
            "main-menu": ("2",),
            "fault-at-night": ("*", "1"),
            "what-happened": ("3",),
        },
        phones={"agent-104": (Declines(after_s=1),), "agent-102": (TALKS,)},
        started_at=MIDNIGHT,
    ),
    CrashPath(
        name="keys before they are asked for, and gone while it rings",
        did=ESTATE,
        keys={"welcome": ("10",), "music:default": ("h",)},
        phones={"agent-101": (Rings(),)},
    ),
    CrashPath(
        name="a talk that falls apart",
        did=ESTATE,
        keys={"choose-language": ("0",)},
        phones={"agent-101": (Answers(after_s=1, talks_s=8),)},
        meddling=part,
    ),
    CrashPath(name="broken off", did=ESTATE, meddling=interrupt),
    CrashPath(
        name="a reader subscribes",
        did=READERS,
        keys={"menu": ("1", "*", "2")},
        phones={"agent-103": (TALKS,)},
    ),
    CrashPath(
        name="a reader finds nobody",
        did=READERS,
        keys={"menu": ("2",)},
        phones={"agent-103": (Busy(),)},
    ),
    CrashPath(name="a reader says nothing", did=READERS),
    CrashPath(name="other systems are asked and told", did=ASKING),
    CrashPath(
        name="gone while another system is asked", did=ASKING, keys={"music:default": ("h",)}
    ),
    CrashPath(
        name="a message to the caller", did=TEXTED, number=MOBILE, keys={"ask-flat": ("42#",)}
    ),
    CrashPath(
        name="asked in a survey",
        did=SURVEYED,
        number=MOBILE,
        keys={"would-you-recommend": ("5",), "what-went-wrong": ("2",)},
    ),
    CrashPath(
        name="a message, recorded again",
        did=MESSAGES,
        keys={"beep": ("s#",), "review-message": ("2", "3", "1")},
    ),
    CrashPath(name="a message, and gone", did=MESSAGES, keys={"beep": ("sh",)}),
    CrashPath(
        name="a recorded talk",
        did=RECORDED,
        keys={"ask-flat": ("42#",)},
        phones={"agent-101": (Answers(after_s=1, talks_s=4),)},
    ),
)
