"""The people who fit a book of flows: numbers they call, keys that answer its questions, messages, and phones that it rings."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from ivrengine.flow.book import Book
from ivrengine.flow.checking import prompt_uses
from ivrengine.flow.nodes.collect import Collect
from ivrengine.flow.nodes.menu import Menu
from ivrengine.flow.nodes.survey import Survey
from ivrengine.flow.nodes.voicemail import Review, Voicemail
from ivrengine.sim import chance as chances
from ivrengine.sim.phones import Answers, Behaviour, Busy, Declines, Phone, Rings

ENTRIES: Final = 20
"""So many different numbers are keyed in as answers to a question for one."""
TALK_S: Final = 20.0
"""What a talk takes beyond its first words, on average (exponential)."""
E164_DIGITS: Final = 12


def dids(book: Book, seed: int) -> tuple[str, ...]:
    """Return numbers that lead to a flow: every exact one, and one made up for each prefix."""
    chance = chances.source(seed, "dids")
    made_up = [
        prefix + "".join(chance.choices("0123456789", k=E164_DIGITS + 1 - len(prefix)))
        for prefix in book.routes.prefixes
    ]
    return tuple(did for did in (*book.routes.exact, *made_up) if book.route(did) is not None)


def answers(book: Book, seed: int) -> Mapping[str, tuple[str, ...]]:
    """Return for each prompt that ends a question the keys that are right answers to it."""
    chance = chances.source(seed, "answers")
    found: dict[str, tuple[str, ...]] = {}
    for flow in book.flows.values():
        for node in flow.nodes.values():
            match node:
                case Menu():  # few people press the star that plays a menu again
                    keys = tuple(filter(str.isdecimal, node.choices)) or tuple(node.choices)
                case Collect():
                    keys = tuple(_entry(chance, node) for _ in range(ENTRIES))
                case Survey():
                    keys = tuple(map(str, range(node.scale.low, node.scale.high + 1)))
                case Voicemail(review=Review() as review):
                    found[prompt_uses.name_of(review.prompt[-1])] = (
                        review.keep,
                        review.keep,
                        review.listen,
                    )
                    continue
                case _:
                    continue
            question = prompt_uses.name_of(node.prompt[-1])
            found[question] = (*found.get(question, ()), *keys)
    return found


def invitations(book: Book) -> tuple[str, ...]:
    """Return the prompts after which callers are to leave a message."""
    return tuple(
        prompt_uses.name_of(node.prompt[-1])
        for flow in book.flows.values()
        for node in flow.nodes.values()
        if isinstance(node, Voicemail)
    )


def _entry(chance: Random, node: Collect) -> str:
    length = chance.randint(node.min_digits, node.max_digits)
    digits = "".join(chance.choices("0123456789", k=length))
    ends_itself = length == node.max_digits or node.terminator == "none"
    return digits if ends_itself else digits + node.terminator


def phones(book: Book, seed: int) -> list[Phone]:
    """Return the phones of all brands, with people who mostly pick up."""
    chance = chances.source(seed, "phones")
    endpoints = {
        phone.endpoint for brand in book.brands.values() for phone in brand.phones.values()
    }
    return [Phone(endpoint, _person(chance)) for endpoint in sorted(endpoints)]


def _person(chance: Random) -> Callable[[], Behaviour]:
    def behaves() -> Behaviour:
        match chance.choices(("answers", "busy", "rings", "declines"), (80, 8, 8, 4))[0]:
            case "busy":
                return Busy()
            case "rings":
                return Rings()
            case "declines":
                return Declines(after_s=chance.uniform(1, 4))
            case _:
                talks_s = 5.0 + chance.expovariate(1 / TALK_S)
                return Answers(after_s=chance.uniform(1.5, 8), talks_s=talks_s)

    return behaves
