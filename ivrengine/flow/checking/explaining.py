"""The long explanations of the compiler's codes, read from ``explanations.md`` when somebody asks for one."""

import dataclasses
import importlib.resources
import re
from collections.abc import Mapping
from typing import Final

from ivrengine.flow.problems import RULES, Code

_SECTION: Final = re.compile(
    r"^## (?P<code>\S+)\n\n(?P<paragraph>.+?)\n\n"
    r"Wrong:\n\n```(?P<language>\w+)\n(?P<wrong>.*?)```\n\nRight:\n\n```\w+\n(?P<right>.*?)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a code is a problem, and an example of it."""

    paragraph: str
    wrong: str
    right: str
    is_flow: bool
    """The examples are parts of flow files; else they show files and folders."""


def explanations() -> Mapping[Code, Explanation]:
    """Return the explanation of every code that has one."""
    text = importlib.resources.files(__package__).joinpath("explanations.md").read_text("utf-8")
    return {
        Code(found["code"]): Explanation(
            paragraph=found["paragraph"],
            wrong=found["wrong"],
            right=found["right"],
            is_flow=found["language"] == "yaml",
        )
        for found in _SECTION.finditer(text)
    }


def explained(code: Code) -> str:
    """Return what is to be said of a code, for a terminal; of one without a long explanation the short one."""
    rule, known = RULES[code], explanations().get(code)
    heading = f"{code} ({rule.severity})"
    if known is None:
        return f"{heading}\n\n{rule.explanation}"
    examples = (
        f"{title}:\n\n{_indented(example)}"
        for title, example in (("Wrong", known.wrong), ("Right", known.right))
    )
    return "\n\n".join((heading, rule.explanation, known.paragraph, *examples))


def _indented(example: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in example.rstrip().split("\n"))
