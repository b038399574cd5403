"""Menus held against what their prompts say: keys that nobody hears of, keys that mean nothing, prompts that are cut.

Prompts are sentences, so what is found here is a guess and never more than a warning; other languages than Turkish and
English are not looked at. A prompt may speak both: it is read for the key words of both.
"""

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from ivrengine.flow.book import PromptTexts
from ivrengine.flow.checking import prompt_uses
from ivrengine.flow.fields import duration
from ivrengine.flow.nodes.menu import Menu
from ivrengine.flow.nodes.prompting import PROMPT_LIMIT_S
from ivrengine.flow.problems import Code, Loc, Problem, problem
from ivrengine.flow.source.draft import Draft

_LANGUAGES: Final = frozenset({"tr", "en"})
_CHARACTERS_PER_S: Final = 20.0
"""Nobody speaks faster than that for long; a prompt lasts at least so many seconds less."""
_KEYS: Final = "0123456789*#"
_ENGLISH: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "star",
    "hash",
]
_ALSO: Final = {"oh": "0", "nought": "0", "asterisk": "*", "pound": "#"}
_TURKISH: Final = (
    [
        "sıfırı",
        "biri",
        "ikiyi",
        "üçü",
        "dördü",
        "beşi",
        "altıyı",
        "yediyi",
        "sekizi",
        "dokuzu",
        "yıldızı",
        "kareyi",
    ],
    [
        "sıfıra",
        "bire",
        "ikiye",
        "üçe",
        "dörde",
        "beşe",
        "altıya",
        "yediye",
        "sekize",
        "dokuza",
        "yıldıza",
        "kareye",
    ],
)
"""In the cases in which a key is pressed; *bir* alone is the article."""
_IN_TURKISH: Final[Mapping[str, str]] = {
    word: key for words in _TURKISH for word, key in zip(words, _KEYS, strict=True)
}
_KEY_OF: Final[Mapping[str, str]] = {
    **dict(zip(_ENGLISH, _KEYS, strict=True)),
    **_ALSO,
    **_IN_TURKISH,
    **{key: key for key in _KEYS},
}
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_PRESSES: Final = re.compile(r"\b(?:press|dial|tuşlay|basın|basar|bas\b)")
_BEFORE: Final = frozenset(["press", "dial", "or", "and", "için", "veya", "da", "the", ",", ":"])
_STOPS: Final = frozenset([".", ",", ";", "!", "?"])
_AFTER: Final = frozenset({*_STOPS, *["to", "for", "or", "and", "key", "ve", "veya", "ya"]})
_PRESS_IN_TURKISH: Final = ("tuş", "bas")


class _Named(NamedTuple):
    """The keys that a text names, each with the words by which it does."""

    clearly: Mapping[str, str]
    """By what can only mean a key."""
    perhaps: Collection[str]
    """By what may mean one, too."""


@functools.lru_cache(maxsize=1_000)
def _named(said: str) -> _Named:
    """Return the keys that a text names; the menus of many flows say the same."""
    tokens = ["", *_TOKEN.findall(said), "."]
    clearly: dict[str, str] = {}
    perhaps: set[str] = set()
    for index, word in enumerate(tokens):
        key = _KEY_OF.get(word)
        if key is None:
            continue
        perhaps.add(key)
        before, after = tokens[index - 1], tokens[index + 1]
        follows = before in _BEFORE
        ends = after in _AFTER or after.startswith(_PRESS_IN_TURKISH)
        if (ends and (follows or word in _IN_TURKISH)) or (follows and word == key):
            words = f"{before} {word}" if before in {"press", "dial"} else word
            clearly.setdefault(key, words)
    return _Named(clearly, perhaps)


def check(
    draft: Draft, texts: Mapping[str, PromptTexts], named: Mapping[str, Loc]
) -> Iterator[Problem]:
    """Yield what menus and their prompts disagree about, and prompts longer than their time; ``named`` are the flow's own."""
    for name, node in draft.nodes.items():
        if not isinstance(node, Menu):
            continue
        prompts = [prompt_uses.name_of(use) for _, use in draft.prompts[name]]
        for language in draft.languages:
            said = [texts[p][language] for p in prompts if language in texts.get(p, {})]
            if language in _LANGUAGES and len(said) == len(prompts):
                yield from _keys(draft, name, node, language, " ".join(said))
    yield from _cut(draft, texts, named)


def _keys(draft: Draft, name: str, node: Menu, language: str, said: str) -> Iterator[Problem]:
    said = said.lower()
    if not _PRESSES.search(said):
        return  # it asks in other words
    clearly, perhaps = _named(said)
    for key in node.choices if clearly.keys() & node.choices.keys() else ():
        if key not in perhaps and key not in node.unspoken:
            place = draft.key_place("nodes", name, "choices", key)
            sentence = f"in `{language}` no prompt of the menu mentions the key `{key}`"
            yield problem(draft.file, place, Code.KEY_UNMENTIONED, sentence)
    for key, words in clearly.items():
        if key not in node.choices:
            place = draft.key_place("nodes", name, "choices")
            sentence = f"in `{language}` a prompt of the menu says `{words}`, but the key `{key}` leads nowhere"
            yield problem(draft.file, place, Code.KEY_WITHOUT_CHOICE, sentence)


def _cut(
    draft: Draft, texts: Mapping[str, PromptTexts], named: Mapping[str, Loc]
) -> Iterator[Problem]:
    """Yield the prompts that the flow's ``max_duration``, or the limit of every prompt, cuts off in any case."""
    limit_s = min(draft.max_duration_s or PROMPT_LIMIT_S, PROMPT_LIMIT_S)
    for prompt, loc in named.items():
        shortest_s = _shortest_s(texts.get(prompt, {}), draft.languages)
        if shortest_s > limit_s:
            sentence = (
                f"the prompt `{prompt}` lasts at least {duration(round(shortest_s))}, "
                f"but is cut off after {duration(limit_s)}"
            )
            yield problem(draft.file, draft.place(*loc), Code.PROMPT_CUT, sentence)


def _shortest_s(spoken: PromptTexts, languages: Collection[str]) -> float:
    """Return how long the prompt lasts at least, in the language in which it is longest."""
    return max((len(spoken.get(it, "")) / _CHARACTERS_PER_S for it in languages), default=0.0)
