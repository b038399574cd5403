"""Every file of the project held against the tidy law, and the law against samples that it must refuse."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tidy import places, rules
from tests.tidy.rules import Code, Refusals

pytestmark = pytest.mark.timeout(60)  # the first test reads every file
ROOT = Path(__file__).parents[1]
FILES = places.committed(ROOT)
TEXTS = {
    str(path.relative_to(ROOT)): text
    for path in FILES
    if "\0" not in (text := path.read_text(encoding="utf-8", errors="replace"))
}
PYTHON = [Code(name, text) for name, text in TEXTS.items() if name.endswith(".py")]
Rule = Callable[[Code], Refusals]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    refused = [f"{code.path}:{line}: {why}" for code in PYTHON for line, why in rule(code)]
    assert not refused, "\n" + "\n".join(refused)


def test_no_file_names_where_a_machine_fetches_from() -> None:
    hosts = places.registries_of_this_machine()
    refused = [
        f"{name}:{line}: {why}"
        for name, text in TEXTS.items()
        if name != "tests/test_tidy.py"
        for line, why in (*places.sources(text), *places.mentions(text, hosts))
    ]
    assert not refused, "\n" + "\n".join(refused)


def test_no_file_holds_a_path_of_this_machine() -> None:
    paths = places.paths_of_this_machine(ROOT)
    refused = [
        f"{name}:{line}: {why}"
        for name, text in TEXTS.items()
        for line, why in places.mentions(text, paths)
    ]
    assert not refused, "\n" + "\n".join(refused)


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * rules.FUNCTION_LINES_MAX
LONG_DOCSTRING = 'def f():\n    """Say.\n' + "    more\n" * rules.FUNCTION_LINES_MAX + '    """\n'
CATCH = "try:\n    f()\nexcept {what}:\n    {then}\n"
LIVE = "@pytest.mark.{mark}\nasync def test_it():\n    await asyncio.sleep(1)\n"
POLL = "@pytest.mark.sipp\nasync def test_it():\n    while not done():\n        await asyncio.sleep({seconds})\n"

REFUSED: list[tuple[Rule, str, str]] = [
    (rules.banner, "tests/x.py", "# ------- part two -------\n"),
    (rules.banner, "ivrengine/x.py", "x = 1\n####\n# Part two\n####\n"),
    (rules.banner, "ivrengine/x.py", "class A:\n    # ---- public\n    x = 1\n"),
    (rules.drawer_file, "ivrengine/engine/utils.py", ""),
    (rules.drawer_file, "ivrengine/common/calls.py", ""),
    (rules.empty_class_name, "ivrengine/x.py", "class CallManager: ...\n"),
    (rules.empty_class_name, "tests/x.py", "class FakeEventHandler: ...\n"),
    (rules.file_length, "ivrengine/x.py", "x = 1\n" * (rules.FILE_LINES_MAX + 1)),
    (rules.function_length, "ivrengine/x.py", LONG_FUNCTION),
    (rules.function_length, "tests/x.py", "if x:\n  " + LONG_FUNCTION),
    (rules.ownerless_note, "ivrengine/x.py", "x = 1  # TODO: the rest\n"),
    (rules.ownerless_note, "tests/x.py", "# FIXME\n"),
    (rules.printing, "ivrengine/cli/x.py", "print('x')\n"),
    (rules.real_sleep, "tests/x.py", "def test_it():\n    time.sleep(1)\n"),
    (rules.real_sleep, "tests/x.py", LIVE.format(mark="asterisk")),
    (
        rules.real_sleep,
        "tests/x.py",
        "pytestmark = pytest.mark.postgres\nasync def test_it():\n    await asyncio.sleep(1)\n",
    ),
    (rules.real_sleep, "tests/x.py", POLL.format(seconds="0.5")),
    (rules.real_sleep, "tests/x.py", POLL.format(seconds="pause_s")),
    (rules.stray_task, "ivrengine/store/x.py", "asyncio.create_task(f())\n"),
    (rules.stray_task, "ivrengine/store/x.py", "asyncio.get_running_loop().create_task(f())\n"),
    (rules.stray_task, "ivrengine/asterisk/x.py", "self._loop.create_task(f())\n"),
    (rules.swallowed, "ivrengine/x.py", CATCH.format(what="Exception", then="pass")),
    (
        rules.swallowed,
        "ivrengine/x.py",
        CATCH.format(what="(OSError, BaseException) as e", then="log(e)"),
    ),
    (
        rules.swallowed,
        "ivrengine/x.py",
        CATCH.format(what="", then="pass").replace("except :", "except:"),
    ),
    (rules.wall_clock, "ivrengine/store/x.py", "at = datetime.now(UTC)\n"),
    (rules.wall_clock, "ivrengine/engine/x.py", "at = datetime.datetime.utcnow()\n"),
    (rules.wall_clock, "ivrengine/cli/x.py", "at = time.time()\n"),
]

ALLOWED: list[tuple[Rule, str, str]] = [
    (rules.banner, "ivrengine/x.py", "# -1 is no channel; --flag is a flag\nx = '# ----'\n"),
    (rules.drawer_file, "ivrengine/engine/limits.py", ""),
    (rules.empty_class_name, "ivrengine/x.py", "class Handlers: ...\nclass Serviced: ...\n"),
    (rules.file_length, "ivrengine/x.py", "x = 1\n" * rules.FILE_LINES_MAX),
    (rules.function_length, "ivrengine/x.py", LONG_DOCSTRING),
    (rules.ownerless_note, "ivrengine/x.py", "x = 'TODO'  # TODO(ayse): when 23.4 is out\n"),
    (rules.printing, "tests/x.py", "print('x')\n"),
    (rules.printing, "ivrengine/cli/x.py", "console.print('x')\n"),
    (rules.real_sleep, "tests/x.py", "async def test_it():\n    await asyncio.sleep(3600)\n"),
    (rules.real_sleep, "tests/x.py", LIVE.format(mark="parametrize")),
    (rules.real_sleep, "tests/x.py", LIVE.format(mark="sipp").replace("1", "0")),
    (rules.real_sleep, "tests/x.py", POLL.format(seconds="0.01")),
    (rules.stray_task, "ivrengine/store/x.py", "group.create_task(f())\n"),
    (rules.stray_task, "ivrengine/engine/x.py", "asyncio.create_task(f())\n"),
    (rules.swallowed, "ivrengine/x.py", CATCH.format(what="OSError", then="pass")),
    (rules.swallowed, "ivrengine/x.py", CATCH.format(what="Exception", then="raise")),
    (
        rules.swallowed,
        "ivrengine/x.py",
        CATCH.format(what="Exception", then="m.calls_failed.inc()"),
    ),
    (
        rules.swallowed,
        "ivrengine/x.py",
        CATCH.format(what="Exception", then="self._fail()")
        + "def _fail(self):\n    self._metrics.calls_failed.inc()\n",
    ),
    (rules.wall_clock, "ivrengine/engine/clock.py", "at = datetime.now(UTC)\n"),
    (rules.wall_clock, "tests/x.py", "at = datetime.now(UTC)\n"),
]


def named(samples: list[tuple[Rule, str, str]]) -> list[str]:
    return [f"{rule.__name__}-{number}" for number, (rule, _, _) in enumerate(samples)]


@pytest.mark.parametrize(("rule", "path", "text"), REFUSED, ids=named(REFUSED))
def test_a_bad_sample_is_refused_with_what_to_do_instead(rule: Rule, path: str, text: str) -> None:
    found = list(rule(Code(path, text)))
    assert found
    for line, why in found:
        assert 1 <= line <= max(text.count("\n"), 1)
        assert ":" in why


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED, ids=named(ALLOWED))
def test_a_good_sample_is_let_be(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Code(path, text))) == []


def test_every_rule_has_a_sample_that_it_refuses_and_one_that_it_lets_be() -> None:
    assert {rule for rule, _, _ in REFUSED} == set(rules.RULES)
    assert {rule for rule, _, _ in ALLOWED} == set(rules.RULES)


@pytest.mark.parametrize(
    "line",
    [
        "pip install --index-url https://wheels.example/simple x",
        "npm install --registry=https://npm.example x",
        "deb [trusted=yes] http://debian.example/debian sid main",
        "ENV PIP_INDEX_URL=https://wheels.example",
    ],
)
def test_a_package_source_is_seen(line: str) -> None:
    assert list(places.sources(f"x\n{line}\n")) == [
        (2, "names a package source: each machine's own settings say where it fetches from")
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("cd /srv/here/x\n", True),
        ("cd '/srv/here'\n", True),
        ("from wheels.example.\n", True),
        ("cd /srv/heretic\n", False),
        ("cd x/srv/here\n", False),
        ("at mywheels.example\n", False),
    ],
)
def test_a_word_of_one_machine_is_seen_but_not_within_another(text: str, *, seen: bool) -> None:
    assert bool(list(places.mentions(text, {"/srv/here", "wheels.example"}))) is seen


def test_this_machine_itself_is_known() -> None:
    assert str(ROOT) in places.paths_of_this_machine(ROOT)
    assert not places.paths_of_this_machine(Path("/srv/x")) & places.SHARED_PARENTS
