"""Where flows use prompts: the expressions for their parameters, and whether those are what the prompts need."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from ivrengine.flow.expressions import Programs
from ivrengine.flow.fields import PromptUse
from ivrengine.flow.nodes.say import Say, instead
from ivrengine.flow.problems import Code, Loc, Problem, did_you_mean, problem
from ivrengine.flow.source.draft import Draft
from ivrengine.flow.spoken.words import ACCEPTED, GRAMMARS, Kind
from ivrengine.flow.templates import Template

NO_ZONE: Final = "this is an instant: give the flow a `timezone`, such as Europe/Istanbul"


def name_of(use: str | PromptUse) -> str:
    """Return the name of a prompt that is used."""
    return use if isinstance(use, str) else use.prompt


def check(
    draft: Draft, programs: Programs, templates: Mapping[str, Template], plain: Collection[str]
) -> Iterator[Problem]:
    """Yield where prompts are not given what they need; ``plain`` are those without parameters."""
    for node_name, node in draft.nodes.items():
        for loc, use in draft.prompts[node_name]:
            at = ("nodes", node_name, *loc)
            name = name_of(use)
            if name in templates:
                yield from _misgiven(draft, at, use, templates[name], programs)
            elif isinstance(use, PromptUse) and name in plain:
                sentence = f"prompt `{name}` has no parameters"
                yield problem(draft.file, draft.place(*at), Code.PROMPT_VALUES, sentence)
        if isinstance(node, Say):
            yield from _unsaid(draft, node_name, node, programs)


def _unsaid(draft: Draft, name: str, node: Say, programs: Programs) -> Iterator[Problem]:
    """Yield what a ``say`` node has no words for."""
    for index, item in enumerate(node.say):
        at = ("nodes", name, "say", index)
        if item.kind not in {None, Kind.TEXT}:
            yield from _unspoken(draft, at)
        if item.kind is None or item.zone is not None or not _has_no_zone(draft):
            continue
        if _needs_zone(item.kind, programs.type_of(item.value)):
            yield problem(draft.file, draft.place(*at, item.kind), Code.NO_TIMEZONE, NO_ZONE)


def _misgiven(
    draft: Draft, at: Loc, use: str | PromptUse, template: Template, programs: Programs
) -> Iterator[Problem]:
    name, given = name_of(use), {} if isinstance(use, str) else use.with_
    missing = [f"`{parameter}`" for parameter in template.parameters if parameter not in given]
    if missing:
        sentence = f"prompt `{name}` needs a value for {', '.join(missing)}, by the key `with`"
        yield problem(draft.file, draft.place(*at), Code.PROMPT_VALUES, sentence)
    for parameter, text in given.items():
        declared = template.parameters.get(parameter)
        if declared is None:
            near = did_you_mean(parameter, template.parameters)
            sentence = f"prompt `{name}` has no parameter `{parameter}`{near}"
            place = draft.key_place(*at, "with", parameter)
            yield problem(draft.file, place, Code.PROMPT_VALUES, sentence)
            continue
        place, found = draft.place(*at, "with", parameter), programs.type_of(text)
        accepted = ACCEPTED[declared.kind]
        if found and found not in {*accepted, "dyn"}:
            advice = instead(declared.kind, text).get(found, "")
            wanted = f"a value of type {' or '.join(accepted)}, found one of type {found}{advice}"
            sentence = f"parameter `{parameter}` of prompt `{name}` is said as {declared.kind}: expected {wanted}"
            yield problem(draft.file, place, Code.PROMPT_VALUES, sentence)
        elif _needs_zone(declared.kind, found) and _has_no_zone(draft):
            yield problem(draft.file, place, Code.NO_TIMEZONE, NO_ZONE)
    if any(parameter.kind is not Kind.TEXT for parameter in template.parameters.values()):
        yield from _unspoken(draft, at)


def _needs_zone(kind: Kind, found: str) -> bool:
    """Tell whether a value of this type has to be told by somebody's clock."""
    return kind in {Kind.DATE, Kind.TIME} and found == "timestamp"


def _has_no_zone(draft: Draft) -> bool:
    """Tell whether the flow names no clock, as far as that is known."""
    return draft.whole and draft.timezone is None


def _unspoken(draft: Draft, at: Loc) -> Iterator[Problem]:
    """Yield the languages of the flow in which no numbers and times can be said."""
    for language in draft.languages:
        if language not in GRAMMARS:
            known = ", ".join(sorted(GRAMMARS))
            sentence = f"numbers, money and times cannot be said in `{language}`, only in {known}"
            yield problem(draft.file, draft.place(*at), Code.UNSPOKEN_LANGUAGE, sentence)
