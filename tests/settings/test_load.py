import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.engine.limits import Limits
from ivrengine.settings import model
from ivrengine.settings.load import SettingsError, load

PASSWORD = "k0nuşma-gizli-5329"
NODE = f"""
[[asterisk]]
name = "ast1"
url = "http://127.0.0.1:8088/"
password = "{PASSWORD}"
"""


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with none of our variables set."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("IVRENGINE_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)


def problems_of(text: str) -> list[str]:
    Path("ivrengine.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert PASSWORD not in str(caught.value)
    return list(caught.value.problems)


def test_without_a_file_there_are_defaults() -> None:
    settings = load()
    assert (settings.data_dir, settings.flows_dir) == (Path("data"), Path("flows"))
    assert settings.database_url is None
    assert settings.asterisk == ()
    assert settings.keys_path == Path("data/keys")


def test_the_file_in_the_working_directory_is_read() -> None:
    Path("ivrengine.toml").write_text(f'data_dir = "d"\n{NODE}\n[log]\nformat = "json"\n')
    settings = load()
    (node,) = settings.asterisk
    assert settings.log.format == "json"
    assert (node.name, node.url, node.application) == (
        "ast1",
        "http://127.0.0.1:8088/",
        "ivrengine",
    )
    assert node.secret() == PASSWORD
    assert settings.sounds_dir(node) == Path("d/sounds")
    assert settings.sounds_path(node) == str(Path("d/sounds").absolute())


def test_secrets_are_not_in_what_settings_look_like() -> None:
    Path("ivrengine.toml").write_text(f'database_url = "postgresql://u:{PASSWORD}@h/d"\n{NODE}')
    settings = load()
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in str(settings.model_dump())


def test_a_named_file_is_read_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ivrengine.toml").write_text('data_dir = "default"')
    Path("a.toml").write_text('data_dir = "a"')
    Path("b.toml").write_text('data_dir = "b"')
    monkeypatch.setenv("IVRENGINE_CONFIG", "a.toml")
    assert load().data_dir == Path("a")
    assert load(Path("b.toml")).data_dir == Path("b")


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVRENGINE_CONFIG", "gone.toml")
    with pytest.raises(SettingsError, match=r"^gone\.toml: there is no such file$"):
        load()


def test_the_environment_is_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ivrengine.toml").write_text(f'data_dir = "d"\n[log]\nlevel = "debug"\n{NODE}')
    monkeypatch.setenv("IVRENGINE_LOG__FORMAT", "json")
    monkeypatch.setenv("IVRENGINE_ASTERISK__0__PASSWORD", "other")
    monkeypatch.setenv("IVRENGINE_ASTERISK__1__NAME", "ast2")
    monkeypatch.setenv("IVRENGINE_ASTERISK__1__URL", "http://127.0.0.1:8188/ari")
    monkeypatch.setenv("IVRENGINE_ASTERISK__1__PASSWORD", "third")
    settings = load()
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    first, second = settings.asterisk
    assert (first.name, first.secret()) == ("ast1", "other")
    assert (second.name, second.url, second.secret()) == ("ast2", "http://127.0.0.1:8188/", "third")


def test_a_list_may_be_set_whole_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = '[{"name": "a", "url": "http://[::1]:8088", "password": "p"}]'
    monkeypatch.setenv("IVRENGINE_ASTERISK", whole)
    assert load().asterisk[0].url == "http://[::1]:8088/"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DATABASE_URL": "postgresql://h/plain"}, "postgresql://h/plain"),
        ({"DATABASE_URL": ""}, "postgresql://h/file"),
        (
            {"DATABASE_URL": "postgresql://h/plain", "IVRENGINE_DATABASE_URL": "postgres://h/ours"},
            "postgres://h/ours",
        ),
    ],
)
def test_the_plain_variable_names_the_database_too(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("ivrengine.toml").write_text('database_url = "postgresql://h/file"')
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    url = load().database_url
    assert url is not None
    assert url.get_secret_value() == expected


def test_a_password_may_come_from_a_file() -> None:
    Path("secret").write_text(f"{PASSWORD}\n")
    Path("ivrengine.toml").write_text(
        NODE.replace("password", "password_file").replace(PASSWORD, "secret")
    )
    assert load().asterisk[0].secret() == PASSWORD


def test_every_problem_is_told_at_once_with_its_line() -> None:
    text = f"""\
data_dir = 7
flow_dir = "flows"
numbers_retention_days = 0
{NODE}
contry = "TR"
accept_unsafe_version = "perhaps"

[[asterisk]]
name = "AST 2"
url = "https://user:{PASSWORD}@127.0.0.1"
country = "Turkey"

[log]  # what it says
level = "verbose"
format = "jsn"

[journal]
fsync = true
segment_bytes = 1.5

[metrics]
listen = "9464"
"""
    assert problems_of(text) == [
        "ivrengine.toml:1: data_dir: expected a path, found `7`",
        "ivrengine.toml:2: flow_dir: there is no such setting; did you mean `flows_dir`?",
        "ivrengine.toml:3: numbers_retention_days: expected at least 1, found `0`",
        "ivrengine.toml:10: asterisk[0].contry: there is no such setting; did you mean `country`?",
        "ivrengine.toml:11: asterisk[0].accept_unsafe_version: expected true or false, found `perhaps`",
        "ivrengine.toml:14: asterisk[1].name: expected a name of at most 32 small letters, digits and -,"
        " beginning with a letter, found `AST 2`",
        "ivrengine.toml:15: asterisk[1].url: expected the address of an Asterisk's HTTP server,"
        " such as http://127.0.0.1:8088/, found `https://…@127.0.0.1`",
        "ivrengine.toml:16: asterisk[1].country: expected a country by its two capital letters"
        " (ISO 3166), such as TR, found `Turkey`",
        "ivrengine.toml:19: log.level: expected `debug`, `info`, `warning` or `error`, found `verbose`",
        "ivrengine.toml:20: log.format: expected `json` or `console`, found `jsn`; did you mean `json`?",
        "ivrengine.toml:23: journal.fsync: expected `never` or `group`, found `true`",
        "ivrengine.toml:24: journal.segment_bytes: expected a whole number, found `1.5`",
        "ivrengine.toml:27: metrics.listen: expected an address and a port to listen on,"
        " such as 127.0.0.1:9464, found `9464`",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[[asterisk]]\nname = 'a'\npassword = 'p'",
            "ivrengine.toml:1: asterisk[0].url: expected a value, found nothing",
        ),
        (
            "[[asterisk]]\nname = 'a'\nurl = 'http://h'",
            "ivrengine.toml:1: asterisk[0]: expected one of `password` and `password_file`",
        ),
        (
            NODE.replace("password", "password_file").replace(PASSWORD, "nowhere"),
            "ivrengine.toml:5: asterisk[0].password_file: expected a file that the engine can read,"
            " found `nowhere`",
        ),
        (
            NODE + NODE,
            "ivrengine.toml:8: asterisk[1].name: expected a name that no other node has, found `ast1` again",
        ),
        (
            f"[asterisk]\nname = 'a'\npassword = '{PASSWORD}'",
            "ivrengine.toml:1: asterisk: expected a list of tables, found a table",
        ),
        ("log = 'x'", "ivrengine.toml:1: log: expected a table, found text"),
        (
            f"\ndatabase_url = 'mysql://u:{PASSWORD}@h'",
            "ivrengine.toml:2: database_url: expected an address such as"
            " postgresql://user:password@host/database",
        ),
        (f"a = 1\n{PASSWORD}", "ivrengine.toml:2: this is not TOML: expected '=' after a key"),
        (
            "asterisk = [\n  {name = 'a', url = 'ftp://h', password = 'p'}]",
            "ivrengine.toml:1: asterisk[0].url",
        ),
    ],
)
def test_a_problem_says_where_and_what(text: str, sentence: str) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "IVRENGINE_LOG__LEVEL",
            "loud",
            "IVRENGINE_LOG__LEVEL: expected `debug`, `info`, `warning` or `error`, found `loud`",
        ),
        (
            "IVRENGINE_LOG__LEVL",
            "info",
            "IVRENGINE_LOG__LEVL: there is no such setting; did you mean `level`?",
        ),
        (
            "IVRENGINE_FLOW_DIR",
            "x",
            "IVRENGINE_FLOW_DIR: there is no such setting; did you mean `IVRENGINE_FLOWS_DIR`?",
        ),
        (
            "IVRENGINE_ASTERISK",
            f'[{{"password": "{PASSWORD}"',
            "IVRENGINE_ASTERISK: expected a list of tables, found text",
        ),
        (
            "IVRENGINE_ASTERISK",
            f'[{{"name": "a", "password": "{PASSWORD}"}}]',
            "IVRENGINE_ASTERISK: asterisk[0].url: expected a value, found nothing",
        ),
        (
            "DATABASE_URL",
            f"mysql://u:{PASSWORD}@h",
            "DATABASE_URL: expected an address such as postgresql://user:password@host/database",
        ),
    ],
)
def test_a_problem_of_the_environment_names_the_variable(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert problems_of("") == [sentence]


def test_a_file_that_is_no_text_is_refused() -> None:
    Path("ivrengine.toml").write_bytes(b"data_dir = '\xff'")
    with pytest.raises(SettingsError, match=r"^ivrengine\.toml: expected UTF-8 text$"):
        load()


def test_a_folder_is_no_file() -> None:
    Path("ivrengine.toml").mkdir()
    with pytest.raises(SettingsError, match=r"^ivrengine\.toml: cannot be read: "):
        load()


KEYS = st.sampled_from([*model.Settings.model_fields, "x", "asterisk.name", '"q.r"'])
VALUES = st.sampled_from(
    ["1", "-1.5", "true", "'x'", "[]", "[1]", "{a = 1}", "[[]]", "2026-01-01", f"'{PASSWORD}'"]
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=4, unique_by=lambda pair: pair[0]))
def test_whatever_the_file_holds_the_answer_is_settings_or_sentences(
    pairs: list[tuple[str, str]],
) -> None:
    Path("ivrengine.toml").write_text("".join(f"{key} = {value}\n" for key, value in pairs))
    try:
        found: tuple[str, ...] = () if load() else ("settings that are false",)
    except SettingsError as error:
        found = error.problems or ("an error without a problem",)
    assert all(problem.startswith("ivrengine.toml") for problem in found)


def test_every_limit_of_the_engine_can_be_set_and_no_other() -> None:
    assert set(model.Limits.model_fields) == set(Limits.__dataclass_fields__)
