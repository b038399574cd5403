"""Every fault of a flow file has its sentence, at its place: the golden messages of the folder ``broken``."""

import pytest

from ivrengine.flow.problems import RULES, Code
from tests.flow import golden

TOLD_ELSEWHERE = {
    Code.NO_FILES,
    Code.NO_ROUTING,
    Code.FILE_UNREADABLE,
    Code.FILE_TOO_BIG,
    Code.FILE_LINKED,
    Code.SUBFLOW_DEPTH,
}
"""Faults of folders and of the file system; tests of ``load`` and ``text`` make them."""
MORE_THAN_ONE = {"cel-two-faults": 2}


@pytest.mark.parametrize("case", golden.cases())
def test_the_fault_is_told_as_the_golden_file_says(case: str) -> None:
    assert golden.said_of(case) == golden.expected()[case]


def test_there_is_one_sentence_for_each_broken_file() -> None:
    told = golden.expected()
    assert sorted(told) == golden.cases()
    assert {case: len(lines) for case, lines in told.items() if len(lines) != 1} == MORE_THAN_ONE
    assert len(told) >= 60


def test_the_folder_without_a_broken_file_is_sound() -> None:
    assert golden.said_of("around/main") == []


def test_every_code_has_an_explanation_and_a_broken_flow_that_shows_it() -> None:
    assert set(RULES) == set(Code)
    told = {
        line.split(": ")[1].split()[1] for lines in golden.expected().values() for line in lines
    }
    assert told == set(Code) - TOLD_ELSEWHERE
