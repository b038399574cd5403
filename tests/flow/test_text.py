"""Reading YAML: every scalar is the text a person sees, and every value knows its place."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ivrengine.flow.problems import Data, Place
from ivrengine.flow.source import text
from ivrengine.flow.source.text import Document

PARSERS = [yaml.CSafeLoader, yaml.SafeLoader]


@pytest.fixture(params=PARSERS, ids=["libyaml", "pure"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_PARSER", request.param)


def read(source: str) -> Document:
    document, found = text.read_text(source, "flow.yaml")
    assert not found
    assert document is not None
    return document


def told(source: str | bytes) -> list[str]:
    raw = source.encode() if isinstance(source, str) else source
    _, found = text.read_bytes(raw, "f")
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    "scalar",
    [
        "no",
        "on",
        "y",
        "null",
        "~",
        "0711",
        "12:30",
        "1.0",
        "1e3",
        "0x1F",
        "2026-11-21",
        "1_000",
        "=",
        ".inf",
        "<",
    ],
)
def test_a_scalar_is_the_text_that_stands_there(scalar: str) -> None:
    assert read(f"key: {scalar}\n").data == {"key": scalar}
    assert read(f"{scalar}: value\n").data == {scalar: "value"}
    assert read(f"- {scalar}\n").data == [scalar]


def test_nothing_and_an_empty_text_are_told_apart() -> None:
    document, found = text.read_text("nothing:\nempty: ''\n", "f")
    assert document is not None
    assert document.data == {"nothing": None, "empty": ""}
    assert [str(problem) for problem in found] == [
        "f:1:1: error empty-value: `nothing` has no value"
    ]


def test_a_byte_order_mark_and_windows_line_ends_change_no_place() -> None:
    raw = "\ufeffa: 1\r\nb:\r\n  c: 2\r\n".encode()
    document, found = text.read_bytes(raw, "f")
    assert not found
    assert document is not None
    assert document.data == {"a": "1", "b": {"c": "2"}}
    assert document.place(("b", "c")) == Place(3, 6)
    assert document.key_place(("b", "c")) == Place(3, 3)


def test_the_nearest_value_around_answers_for_one_that_is_not_there() -> None:
    document = read("a:\n  b: [x, y]\n")
    assert document.place(("a", "b", 1)) == Place(2, 10)
    assert document.place(("a", "b", 7)) == Place(2, 6)
    assert document.key_place(("a", "z")) == Place(1, 1)


@pytest.mark.parametrize(
    "source",
    [
        "e: x == y && zz\n",
        "e:   x == y && zz   # why\n",
        "e: x ==\n   y && zz\n",
        "e: 'it''s == ''y'' && zz'\n",
        "e: 'x ==\n  y\n\n  && zz'\n",
        'e: "x == \\"q\\" \\x41 \\u015f && zz"\n',
        'e: "x\\tis\\n \\_\\\\ && zz"\n',
        'e: "x == \\\n     y && zz"\n',
        "e: |\n   x ==\n     y && zz\n",
        "e: |2+\n   x ==\n\n\n     y && zz\n\n",
        "e: >-\n   x ==\n   y\n\n     && zz\n",
        "e: ş == ğüş && zz\n",
        "{e: x == y && zz}\n",
        "e:\n  x == y && zz\r\n",
    ],
)
def test_a_place_inside_a_scalar_is_found_however_it_is_written(source: str) -> None:
    document = read(source)
    assert isinstance(document.data, dict)
    value = document.data["e"]
    assert isinstance(value, str)
    index = value.index("zz")
    line = value.count("\n", 0, index) + 1
    column = index - (value.rfind("\n", 0, index) + 1) + 1
    place = document.place_inside(("e",), value, Place(line, column))
    written = source.replace("\r\n", "\n").split("\n")[place.line - 1]
    assert written[place.column - 1 :].startswith("zz")


def test_a_place_behind_the_end_of_a_scalar_is_its_end() -> None:
    document = read("e: x ==\nf: 1\n")
    assert document.place_inside(("e",), "x ==", Place(1, 5)) == Place(1, 8)
    assert document.place_inside(("e",), "x ==", Place(9, 9)) == Place(1, 8)


PLAIN = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cc", "Cs", "Zl", "Zp"],
        exclude_characters="\ufeff\ufffe\uffff",
    ),
    max_size=20,
)
TREES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN, inner, max_size=4),
    max_leaves=12,
)


@given(data=TREES, wide=st.booleans())
def test_what_is_written_as_yaml_is_read_back(data: Data, wide: bool) -> None:
    for style in ('"', "'"):
        source = yaml.safe_dump(
            data,
            allow_unicode=True,
            width=20 if wide else 1000,
            default_style=style,
            sort_keys=False,
        )
        document, _ = text.read_text(source, "f")
        assert document is not None
        assert document.data == data


@given(source=st.text(max_size=60) | st.text(alphabet="ab:-[]{}#&*!|>'\"%@` \n\t,?<", max_size=40))
@example("a: [" * 50)
@example("? ? ? ?")
@example("a: |")
@example('"')
def test_no_text_makes_the_reader_raise(source: str) -> None:
    try:
        raw = source.encode()
    except UnicodeEncodeError:
        return
    document, found = text.read_bytes(raw, "f")
    assert document is not None or found
    lines = len(text._BREAK.split(source)) + 1
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in found)


@given(raw=st.binary(max_size=40))
def test_no_bytes_make_the_reader_raise(raw: bytes) -> None:
    document, found = text.read_bytes(raw, "f")
    assert document is not None or found


def test_every_duplicate_and_alias_is_told_at_once() -> None:
    assert told("a: 1\na: 2\nb: &x 3\nc: *x\n? [k]\n: 4\n") == [
        "f:2:1: error duplicate-key: key `a` is there already, in line 1",
        "f:3:4: error yaml-alias: anchors are not allowed (`&x`); a text that begins with & is put in quotes",
        "f:4:4: error yaml-alias: aliases are not allowed (`*x`); a text that begins with * is put in quotes",
        "f:5:3: error yaml-key: expected a key that is a word or a text, found a list",
    ]


def test_a_nesting_bomb_is_refused_before_it_is_read() -> None:
    [line] = told("a: " + "[" * 500_000)
    assert line == "f:1:35: error yaml-depth: expected values nested at most 32 deep"


def test_an_alias_bomb_is_refused_at_its_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{k}: &{k} [*{p}, *{p}]\n" for p, k in zip("abcdef", "bcdefg", strict=True)
    )
    assert told(bomb)[0].startswith("f:1:4: error yaml-alias: anchors are not allowed")


def test_a_file_that_is_too_big_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a: b\n" * 2_200_000)
    document, [problem] = text.read_file(path, "big.yaml")
    assert document is None
    assert str(problem) == (
        "big.yaml:1:1: error file-too-big: expected a file of at most 1 MiB, found 10.5 MiB"
    )


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    document, [problem] = text.read_file(tmp_path / "none.yaml", "none.yaml")
    assert document is None
    assert str(problem) == (
        "none.yaml:1:1: error file-unreadable: the file cannot be read: No such file or directory"
    )


def test_a_pipe_is_no_flow(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    document, [problem] = text.read_file(pipe, "pipe.yaml")
    assert document is None
    assert str(problem) == "pipe.yaml:1:1: error file-unreadable: this is no ordinary file"
