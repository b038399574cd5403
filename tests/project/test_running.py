"""What tests/conftest.py promises, tried on small test files in a pytest of their own."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.access import access, instance, other_instance, take_own_instances

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(60)  # each test runs a pytest

Run = Callable[[str], pytest.RunResult]
CONFTEST = Path(__file__).parents[1] / "conftest.py"
INI = """
[pytest]
filterwarnings =
    error
    # This pytest is one inside another, which has imported what our conftest.py would have rewritten.
    ignore::pytest.PytestAssertRewriteWarning
markers =
    asterisk: x
    postgres: x
    sipp: x
    real_time: x
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Return what runs a test file under our conftest.py, as on a machine with neither Asterisk nor SIPp."""
    shutil.copy(CONFTEST, pytester.path / "conftest.py")
    monkeypatch.setenv("IVR_ASTERISK_ROOT", str(pytester.path / "nowhere"))
    monkeypatch.setenv("IVR_OTHER_INSTANCE", "none")
    access.cache_clear()  # what tests before this one have read of a real Asterisk
    pytester.makeini(INI)
    monkeypatch.delenv("REQUIRE_LIVE", raising=False)

    def run(source: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-ra")

    yield run
    access.cache_clear()


def test_an_async_test_runs_in_virtual_time(run: Run) -> None:
    result = run(
        """
        import asyncio

        async def test_an_hour_passes():
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(3600)
            assert asyncio.get_running_loop().time() - began == 3600
        """
    )
    result.assert_outcomes(passed=1)


def test_an_async_test_can_fail(run: Run) -> None:
    result = run("async def test_it():\n    assert False")
    result.assert_outcomes(failed=1)


def test_a_test_that_waits_for_ever_fails_at_once(run: Run) -> None:
    result = run("import asyncio\nasync def test_it():\n    await asyncio.Event().wait()")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*StuckError*"])


def test_marks_of_real_things_bring_the_loop_of_a_live_engine(run: Run) -> None:
    result = run(
        """
        import asyncio
        import pytest
        import uvloop

        @pytest.mark.real_time
        async def test_real():
            assert isinstance(asyncio.get_running_loop(), uvloop.Loop)

        @pytest.mark.postgres
        async def test_postgres():
            assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
        """
    )
    result.assert_outcomes(passed=2)


def test_a_property_may_be_async_and_each_example_has_a_loop_of_its_own(run: Run) -> None:
    result = run(
        """
        import asyncio
        from hypothesis import given, settings, strategies as st

        clocks = []

        @settings(max_examples=5)
        @given(n=st.integers(1, 9))
        async def test_it(n):
            clocks.append(asyncio.get_running_loop().time())
            await asyncio.sleep(n)

        def test_clocks():
            assert len(clocks) >= 5
            assert len(set(clocks)) == 1

        @given(n=st.integers())
        async def test_can_fail(n):
            assert n < 100
        """
    )
    result.assert_outcomes(passed=2, failed=1)


def test_missing_live_things_are_skipped_and_told_at_the_end(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.asterisk
        async def test_a():
            raise AssertionError

        @pytest.mark.asterisk
        @pytest.mark.parametrize("n", [1, 2])
        def test_b(n):
            raise AssertionError
        """
    )
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["LEFT OUT: 3 tests marked asterisk: no Asterisk*"])


def test_where_live_tests_are_required_a_skip_is_a_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_LIVE", "1")
    result = run(
        """
        import pytest

        @pytest.mark.asterisk
        def test_missing():
            pass

        @pytest.mark.postgres
        def test_that_skips_itself():
            pytest.skip("do not feel like it")

        def test_that_is_no_live_test():
            pytest.skip("another reason")
        """
    )
    result.assert_outcomes(failed=1, skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*REQUIRE_LIVE is set*do not feel like it*"])


def test_where_live_tests_are_required_no_module_skips_itself(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_LIVE", "1")
    result = run("import pytest\npytest.skip('no', allow_module_level=True)\ndef test_x(): pass")
    result.assert_outcomes(errors=1)


def test_expected_failures_stay_expected_failures(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_LIVE", "1")
    result = run(
        """
        import pytest

        @pytest.mark.postgres
        @pytest.mark.xfail(strict=True, reason="bug 7")
        async def test_it():
            raise AssertionError
        """
    )
    result.assert_outcomes(xfailed=1)


def test_live_tests_have_more_time_unless_they_say_it_themselves(run: Run) -> None:
    result = run(
        """
        import pytest

        def limit(request):
            mark = request.node.get_closest_marker("timeout")
            return mark and mark.args[0]

        @pytest.mark.postgres
        def test_given(request):
            assert limit(request) == 60

        @pytest.mark.postgres
        @pytest.mark.timeout(7)
        def test_own(request):
            assert limit(request) == 7

        def test_unit(request):
            assert limit(request) is None
        """
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("worker", "own"), [("gw0", ("3", "4")), ("gw1", ("5", "6")), ("gw2", ("3", "4"))]
)
def test_who_runs_beside_another_has_asterisks_of_their_own(
    worker: str, own: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IVR_INSTANCE", "1")
    monkeypatch.setenv("IVR_OTHER_INSTANCE", "2")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    monkeypatch.delenv("IVR_INSTANCES", raising=False)
    take_own_instances()
    assert (instance(), other_instance()) == ("1", "2")
    monkeypatch.setenv("IVR_INSTANCES", "3 4 5 6")
    take_own_instances()
    assert (instance(), other_instance()) == own
