"""Variables: first values of each type, and the names that they may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core.call import Value
from ivrengine.flow.cel_faults import Fault
from ivrengine.flow.checking.variables import first_value
from ivrengine.flow.expressions import RESERVED_NAMES, SURROUNDINGS, CelType, CompileError, Compiler
from ivrengine.flow.fields import duration
from ivrengine.flow.model import Variable
from ivrengine.flow.problems import Code
from tests.flow.walk import HEADER, compiled


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("string", "0711", "0711"),
        ("string", "no", "no"),
        ("string", "", ""),
        ("string", None, ""),
        ("string", "x" * 1001, None),
        ("int", "0711", 711),
        ("int", "-5", -5),
        ("int", None, 0),
        ("int", "5.0", None),
        ("int", "12:30", None),
        ("int", "9" * 19, None),
        ("double", "2.5", 2.5),
        ("double", "2", 2.0),
        ("double", None, 0.0),
        ("double", "inf", None),
        ("double", "nan", None),
        ("bool", "yes", True),
        ("bool", "no", False),
        ("bool", "On", True),
        ("bool", "false", False),
        ("bool", None, False),
        ("bool", "1", None),
    ],
)
def test_a_default_is_of_its_variables_type(
    kind: str, written: str | None, value: Value | None
) -> None:
    found = first_value(Variable(type=CelType(kind), default=written))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES | {"caller", "call", "now"}))
def test_a_name_that_expressions_know_is_refused(name: str) -> None:
    _, found = compiled(
        f"{HEADER}variables: {{{name}: {{type: int}}}}\nstart: a\nnodes: {{a: {{type: hangup}}}}\n"
    )
    assert [problem.code for problem in found] == [Code.RESERVED_NAME]


def test_every_other_name_can_be_used_in_an_expression() -> None:
    for name in (
        "size",
        "matches",
        "has",
        "duration",
        "timestamp",
        "a_1",
        "mask",
        "did",
        "e",
        "in_",
        "x1",
    ):
        compiler = Compiler({name: CelType.INT})
        assert compiler.compile(f"{name} + 1", CelType.INT).variables == (name,)
        assert compiler.compile("int('1') > 0 && caller.withheld", CelType.BOOL)


def test_a_variable_with_a_hyphen_is_refused_for_it_would_be_a_subtraction() -> None:
    _, found = compiled(
        f"{HEADER}variables: {{flat-number: {{type: int}}}}\nstart: a\nnodes: {{a: {{type: hangup}}}}\n"
    )
    assert [str(problem) for problem in found] == [
        "flow.yaml:4:13: error wrong-value: expected a name of small letters, digits and _, beginning with a letter, "
        "found `flat-number`"
    ]


def test_an_expression_reads_only_what_it_names() -> None:
    compiler = Compiler({"n": CelType.INT, "m": CelType.INT})
    program = compiler.compile("n > 1 && call.language == 'm'")
    assert program.variables == ("n", "m"), (
        "a word in quotes may be read needlessly, never left out"
    )
    assert program.surroundings == ("call.language",)
    assert compiler.compile("1 + 1").surroundings == ()
    everything = compiler.compile(
        "caller.withheld && caller.mask + call.did + call.brand + call.language == string(now)"
    )
    assert set(everything.surroundings) == set(SURROUNDINGS)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.5, "500ms"),
        (5.0, "5s"),
        (90.0, "1m30s"),
        (3600.0, "1h"),
        (0.0, "0s"),
        (61.25, "1m1s250ms"),
    ],
)
def test_durations_are_shown_as_they_are_written(seconds: float, written: str) -> None:
    assert duration(seconds) == written


CEL = st.text(alphabet="nms1.0+-*/%&|!<>=?:()[]{}'\"\\, \n@#$^~`;ş", max_size=30)
WORDS = """
n text caller . withheld call.did now ( ) 1 'a' && == + ? : - [ ] size in ! dyn exists , // { } null if and
"""
SENTENCES = st.lists(st.sampled_from([*WORDS.split(), "\n"]), max_size=12).map(" ".join)


@given(text=CEL | SENTENCES | st.text(max_size=30))
def test_an_expression_is_compiled_or_refused_in_sentences_with_places(text: str) -> None:
    for fault in faults_of(text):
        assert fault.sentence.strip()
        assert "\n" not in fault.sentence
        assert fault.place.line >= 1
        assert fault.place.column >= 1


def faults_of(text: str) -> tuple[Fault, ...]:
    try:
        Compiler({"n": CelType.INT, "text": CelType.STRING}).compile(text, CelType.BOOL)
    except CompileError as error:
        return error.faults
    return ()
