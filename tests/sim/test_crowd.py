"""The crowd of the demo fits the flows that the project ships with."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.book import Book
from ivrengine.flow.checking.prompt_uses import name_of
from ivrengine.flow.load import load_folder
from ivrengine.flow.nodes.collect import Collect
from ivrengine.flow.nodes.menu import Menu
from ivrengine.sim import crowd
from ivrengine.sim.phones import Answers, Busy, Declines, Rings

BOOK: Book = load_folder(Path(__file__).parents[2] / "flows")[0]


@given(seed=st.integers(0, 1000))
def test_every_number_leads_to_a_flow(seed: int) -> None:
    dids = crowd.dids(BOOK, seed)
    assert set(BOOK.routes.exact) <= set(dids)
    assert all(BOOK.route(did) for did in dids)
    assert all(len(did) == 13 for did in dids)


@given(seed=st.integers(0, 1000))
def test_every_question_has_answers_that_are_right(seed: int) -> None:
    answers = crowd.answers(BOOK, seed)
    for flow in BOOK.flows.values():
        for node in flow.nodes.values():
            if isinstance(node, Menu):
                assert set(answers[name_of(node.prompt[-1])]) & set(node.choices)
            if isinstance(node, Collect):
                for entry in answers[name_of(node.prompt[-1])]:
                    digits = entry.removesuffix(str(node.terminator))
                    assert digits.isdecimal()
                    assert node.min_digits <= len(digits) <= node.max_digits


def test_every_phone_of_the_directory_is_there_and_mostly_answers() -> None:
    phones = crowd.phones(BOOK, seed=1)
    endpoints = {p.endpoint for brand in BOOK.brands.values() for p in brand.phones.values()}
    assert {phone.endpoint for phone in phones} == endpoints
    behaviour = phones[0].behaviour
    assert callable(behaviour)
    drawn = [type(behaviour()) for _ in range(1000)]
    assert drawn.count(Answers) > 700
    assert {Answers, Busy, Rings, Declines} == set(drawn)
