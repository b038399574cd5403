"""Menus held against what their prompts say: keys that nobody hears of, keys that mean nothing, prompts that are cut.

Prompts are sentences, so what is found here is a guess and never more than a warning; other languages than Turkish and
English are not looked at. A prompt may speak both: it is read for the key words of both.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from ivrengine.flow import prompt_uses
from ivrengine.flow.book import PromptTexts
from ivrengine.flow.draft import Draft
from ivrengine.flow.fields import duration
from ivrengine.flow.nodes.menu import Menu
from ivrengine.flow.nodes.prompting import PROMPT_LIMIT_S
from ivrengine.flow.problems import Code, Problem, problem

_LANGUAGES: Final = frozenset({"tr", "en"})
_CHARACTERS_PER_S: Final = 20.0
"""Nobody speaks faster than that for long; a prompt lasts at least so many seconds less."""
_ENGLISH: Final = {
    "0": "zero|nought|oh",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "*": "star|asterisk",
    "#": "hash|pound",
}
_TURKISH: Final = {
    "0": "sıfır[ıa]",
    "1": "bir[ie]",
    "2": "iki(?:yi|ye)",
    "3": "üç[üe]",
    "4": "dör(?:dü|de)",
    "5": "beş[ie]",
    "6": "altı(?:yı|ya)",
    "7": "yedi(?:yi|ye)",
    "8": "sekiz[ie]",
    "9": "dokuz[ua]",
    "*": "yıldız[ıa]",
    "#": "kare(?:yi|ye)",
}
"""In the cases in which a key is pressed: ``biri``, ``bire``; *bir* alone is the article."""
_PRESSES: Final = re.compile(r"\b(?:press|dial|tuşlay|basın|basar|bas\b)")
_BEFORE: Final = r"(?:\b(?:press|dial|or|and|için|veya|da|the)|[,:])\s+"
_AFTER_ENGLISH: Final = r"(?=\s*[.,;!?]|\s+(?:to|for|or|and|key)\b|\s*$)"
_AFTER_TURKISH: Final = r"(?=\s*[.,;!?]|\s+(?:tuş|bas|ve\b|veya\b|ya da\b)|\s*$)"


def _one_of(words: Mapping[str, str]) -> str:
    return "|".join(words.values())


_CLEARLY: Final = re.compile(
    rf"{_BEFORE}(?:{_one_of(_ENGLISH)}){_AFTER_ENGLISH}|\b(?:{_one_of(_TURKISH)}){_AFTER_TURKISH}"
    r"|" + _BEFORE + r"[0-9*#](?=['’\s.,;]|$)"
)
"""What can only mean a key."""
_PERHAPS: Final = re.compile(
    rf"\b(?:{_one_of(_ENGLISH)}|{_one_of(_TURKISH)})\b|(?<!\d)[0-9*#](?!\d)"
)
"""What may mean one."""
_KEYS: Final = tuple(
    (key, re.compile(rf"{_ENGLISH[key]}|{_TURKISH[key]}|{re.escape(key)}")) for key in _ENGLISH
)


def _found(pattern: re.Pattern[str], said: str) -> Mapping[str, str]:
    """Return the keys that a text names, each with the words by which it does."""
    named: dict[str, str] = {}
    for match in pattern.finditer(said):
        last = match[0].split()[-1]
        for key, words in _KEYS:
            if words.fullmatch(last):
                named.setdefault(key, match[0].strip(" ,:"))
    return named


def check(draft: Draft, texts: Mapping[str, PromptTexts]) -> Iterator[Problem]:
    """Yield the keys of menus that their prompts and choices disagree about, and prompts that are longer than their time."""
    for name, node in draft.nodes.items():
        prompts = [prompt_uses.name_of(use) for _, use in node.prompts()]
        for language in draft.languages:
            said = [texts[p][language] for p in prompts if language in texts.get(p, {})]
            if isinstance(node, Menu) and language in _LANGUAGES and len(said) == len(prompts):
                yield from _keys(draft, name, node, language, " ".join(said))
    yield from _cut(draft, texts)


def _keys(draft: Draft, name: str, node: Menu, language: str, said: str) -> Iterator[Problem]:
    said = said.lower()
    if not _PRESSES.search(said):
        return  # it asks in other words
    clearly, perhaps = _found(_CLEARLY, said), _found(_PERHAPS, said)
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


def _cut(draft: Draft, texts: Mapping[str, PromptTexts]) -> Iterator[Problem]:
    """Yield the prompts that the flow's ``max_duration``, or the limit of every prompt, cuts off in any case."""
    limit_s = min(draft.max_duration_s or PROMPT_LIMIT_S, PROMPT_LIMIT_S)
    for name, node in draft.nodes.items():
        told: set[str] = set()
        for loc, use in node.prompts():
            prompt = prompt_uses.name_of(use)
            shortest_s = _shortest_s(texts.get(prompt, {}), draft.languages)
            if shortest_s > limit_s and prompt not in told:
                told.add(prompt)
                sentence = (
                    f"the prompt `{prompt}` lasts at least {duration(round(shortest_s))}, "
                    f"but is cut off after {duration(limit_s)}"
                )
                place = draft.place("nodes", name, *loc)
                yield problem(draft.file, place, Code.PROMPT_CUT, sentence)


def _shortest_s(spoken: PromptTexts, languages: Collection[str]) -> float:
    """Return how long the prompt lasts at least, in the language in which it is longest."""
    return max((len(spoken.get(it, "")) / _CHARACTERS_PER_S for it in languages), default=0.0)
