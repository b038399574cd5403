"""``ivrengine flows``, as a person types it, on a database of its own."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from typer.testing import CliRunner, Result

from ivrengine.cli import flows as command
from ivrengine.engine.clock import wall
from ivrengine.flow.release import Release
from ivrengine.store import releases
from ivrengine.telemetry import logs
from tests.store.a_database import connected

pytestmark = pytest.mark.postgres

FILES: Final = {
    "routing.yaml": """
brands:
  acme:
    name: Acme
    country: TR
    routes: [{did: "+902120000001", flow: main}]
""",
    "prompts.yaml": "brand: acme\nprompts:\n  hello: {en: Hello.}\n",
    "main.yaml": """
flow: main
brand: acme
languages: [en]
start: greet
nodes:
  greet: {type: hangup, prompt: hello}
""",
    "tests/main.yaml": """
flow: main
calls:
  - name: a caller is greeted
    dialogue:
      - hears: hello
    expect: {outcome: completed}
""",
}

Flows = Callable[..., Result]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what the command did to logging: its stream is closed when the command has ended."""
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [each for each in root.handlers if each.get_name() == logs.OURS]:
        root.removeHandler(handler)


@pytest.fixture
def flows(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flows:
    """Return what runs the command, with sound flows in the folder ``flows``."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    write(FILES)
    return lambda *words: CliRunner().invoke(command.app, list(words), catch_exceptions=False)


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path("flows", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def edit(name: str, old: str, new: str) -> None:
    write({name: Path("flows", name).read_text(encoding="utf-8").replace(old, new)})


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def listed(flows: Flows) -> Any:
    return json.loads(done(flows("list", "--json")))


def test_releases_go_into_service_and_back(flows: Flows) -> None:
    assert "no release" in done(flows("list"))
    assert "#1, release" in done(flows("activate", "--note", "the first"))
    edit("prompts.yaml", "Hello.", "Good day.")
    assert "#2, release" in done(flows("activate"))
    shown = done(flows("show"))
    assert "main.yaml" in shown
    assert "+  hello" not in shown, "the active one does not differ from itself"
    assert "-  hello: {en: Good day.}\n+  hello: {en: Hello.}" in done(flows("show", "#1"))
    assert "#3, release" in done(flows("rollback"))
    third, second, first = listed(flows)
    assert third["release_hash"] == first["release_hash"] != second["release_hash"]
    assert [each["note"] for each in (first, third)] == ["the first", "rollback"]
    assert done(flows("list")).splitlines()[1].startswith("*  #3")


def test_the_same_content_is_activated_once(flows: Flows) -> None:
    done(flows("activate"))
    assert "in service already" in done(flows("activate"))
    assert len(listed(flows)) == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("main.yaml", "prompt: hello", "prompt: helo", "main.yaml:7:"),
        ("tests/main.yaml", "hears: hello", "hears: goodbye", "tests/main.yaml:"),
        ("tests/main.yaml", "dialogue", "dialog", "tests/main.yaml:"),
    ],
)
def test_what_check_or_a_scripted_call_fails_is_refused_unless_forced_which_is_recorded(
    flows: Flows, name: str, old: str, new: str, why: str
) -> None:
    done(flows("activate"))
    edit(name, old, new)
    refused = flows("activate")
    assert refused.exit_code == 1
    assert f"flows/{why}" in refused.stderr
    assert "was not put into service; what is in service stays" in refused.stderr
    assert len(listed(flows)) == 1
    assert "against it" in done(flows("activate", "--force", "--note", "urgent"))
    newest = listed(flows)[0]
    assert newest["forced"]
    assert why in newest["unmet"][0]
    assert re.search(r"forced, \d unmet; urgent", done(flows("list")))


def test_of_two_people_the_second_is_told_what_the_first_did(url: str, flows: Flows) -> None:
    release = Release(contents={"a.yaml": b"a"})

    async def put(instead_of: int | None) -> int:
        async with connected(url) as connection:
            return await releases.activate(
                connection,
                release,
                at=wall(),
                by="ayse",
                note="",
                unmet=(),
                instead_of=instead_of,
            )

    assert asyncio.run(put(None)) == 1
    with pytest.raises(releases.OvertakenError, match="ayse put another one into service: #1"):
        asyncio.run(put(None))
    assert len(listed(flows)) == 1


def test_a_large_recording_comes_back_as_it_was(url: str) -> None:
    content = bytes(range(256)) * 10_000
    release = Release(contents={"recordings/acme/en/hello.wav": content, "empty.yaml": b""})

    async def there_and_back() -> Release:
        async with connected(url) as connection:
            await releases.activate(
                connection, release, at=wall(), by="a", note="", unmet=(), instead_of=None
            )
            return await releases.contents(connection, release.hash)

    assert asyncio.run(there_and_back()) == release


def test_what_means_no_release_is_told_in_a_sentence(flows: Flows) -> None:
    assert flows("show").stderr == "ivrengine: no release was put into service yet\n"
    done(flows("activate"))
    for words in ("zz", "#9", "#99999999999999999999999", "'; --"):
        told = flows("show", words)
        assert told.exit_code == 1
        assert f"no release begins with `{words}`" in told.stderr
    assert "no release before the active one" in flows("rollback").stderr
