"""Every code has its long explanation, and the examples in it are what they are said to be."""

import re
from pathlib import Path

import pytest

from ivrengine.cli import reference
from ivrengine.flow.checking.explaining import explained, explanations
from ivrengine.flow.load import load_folder
from ivrengine.flow.problems import RULES, Code, Severity
from tests.flow.golden import AROUND, OUTSIDE, TODAY

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXPLAINED = explanations()
FLOW_CODES = [code for code, found in EXPLAINED.items() if found.is_flow]
PROMPTS = """
brand: acme
prompts:
  welcome: {tr: Hoş geldiniz., en: Welcome.}
  menu: {tr: Satış için 1'e basın., en: Press 1 for sales.}
  ask-flat: {tr: Daire numaranız?, en: Your flat?}
"""


def codes_of(folder: Path, example: str) -> dict[Code, Severity]:
    """Return what is found in a folder with this part of a flow, and what it needs to be whole round it."""
    (folder / "routing.yaml").write_bytes((AROUND / "routing.yaml").read_bytes())
    (folder / "prompts.yaml").write_text(PROMPTS, encoding="utf-8")
    (folder / "main.yaml").write_bytes((AROUND / "main.yaml").read_bytes())
    name = "main.yaml"
    for part in re.split(r"^(# \S+\.yaml)\n", example, flags=re.MULTILINE):
        if part.startswith("# ") and part.endswith(".yaml"):
            name = part.removeprefix("# ")
        elif part:
            (folder / name).write_text(completed(name, part), encoding="utf-8")
    _, found = load_folder(folder, OUTSIDE, TODAY)
    return {problem.code: problem.severity for problem in found}


def completed(name: str, part: str) -> str:
    if name in {"routing.yaml", "prompts.yaml", "schedules.yaml"}:
        return part
    first = re.search(r"^nodes:\n\s+\[?(\w+)", part, flags=re.MULTILINE)
    assert first
    needed = {
        "flow": name.removesuffix(".yaml"),
        "brand": "acme",
        "languages": "[tr, en]",
        "start": first[1],
    }
    head, _, _ = part.partition("nodes:")
    lacking = {key: value for key, value in needed.items() if f"{key}:" not in head}
    return "".join(f"{key}: {value}\n" for key, value in lacking.items()) + part


def test_every_code_has_a_long_explanation() -> None:
    assert set(Code) - set(EXPLAINED) == set(), (
        "write a section of ivrengine/flow/checking/explanations.md"
    )


@pytest.mark.parametrize("code", FLOW_CODES)
def test_the_wrong_example_shows_the_code(code: Code, tmp_path: Path) -> None:
    assert code in codes_of(tmp_path, EXPLAINED[code].wrong)


@pytest.mark.parametrize("code", FLOW_CODES)
def test_the_right_example_has_neither_the_code_nor_an_error(code: Code, tmp_path: Path) -> None:
    found = codes_of(tmp_path, EXPLAINED[code].right)
    assert code not in found
    assert Severity.ERROR not in found.values()


def test_the_page_of_explanations_is_current() -> None:
    written = (DOCS / reference.PROBLEMS_PAGE).read_text(encoding="utf-8")
    assert written == reference.problems_page(), (
        "write it anew: python -m ivrengine.cli.reference docs"
    )


def test_an_explanation_for_a_terminal_has_both_examples() -> None:
    printed = explained(Code.UNKNOWN_KEY)
    assert printed.startswith(f"unknown-key (error)\n\n{RULES[Code.UNKNOWN_KEY].explanation}\n\n")
    assert "Wrong:\n\n    nodes:\n" in printed
    assert "Right:\n\n    nodes:\n" in printed
