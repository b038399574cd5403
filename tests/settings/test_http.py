"""Whom flows may ask, and the secrets that they show there."""

from pathlib import Path

import pytest

from ivrengine.flow.outside import Outside
from ivrengine.settings.load import SettingsError, is_given, load

SECRET = "tok-5329-gizli"


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IVRENGINE_CONFIG", raising=False)


def outside_of(text: str) -> Outside:
    Path("ivrengine.toml").write_text(text)
    return load().outside()


def test_without_settings_nobody_may_be_asked() -> None:
    assert not is_given()
    assert load().outside() == Outside(allowed=set(), secrets={}.keys())


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("erp.example.com", "https://erp.example.com/flats", True),
        ("erp.example.com", "https://ERP.example.com:443/flats", True),
        ("erp.example.com", "http://erp.example.com/flats", False),
        ("erp.example.com", "https://erp.example.com:8443/flats", False),
        ("erp.example.com", "https://erp.example.com.evil.example/flats", False),
        ("erp.example.com", "https://evil.example/erp.example.com", False),
        ("erp.example.com", "https://evil.example#erp.example.com", False),
        ("erp.example.com", "https://user@erp.example.com/", False),
        ("erp.example.com:8443", "https://erp.example.com:8443/flats", True),
        ("erp.example.com:8443", "https://erp.example.com/flats", False),
        ("http://erp.lan", "http://erp.lan/flats", True),
        ("http://erp.lan", "https://erp.lan/flats", False),
        ("https://erp.lan", "https://erp.lan/flats", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/", True),
        ("127.0.0.1:8080", "https://127.0.0.1:8080/", True),
        ("127.0.0.1:8080", "http://127.0.0.1/", False),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("localhost", "http://localhost/", True),
        ("erp.example.com", "ftp://erp.example.com/", False),
        ("erp.example.com", "https://erp.example.com:99999/", False),
    ],
)
def test_scheme_host_and_port_must_be_those_of_the_list(
    entry: str, url: str, allowed: bool
) -> None:
    assert outside_of(f'[http]\nallow = ["{entry}"]').allows(url) is allowed


@pytest.mark.parametrize(
    "entry",
    ["", "erp.example.com/flats", "ftp://erp.example.com", "a b", "u@erp.lan", "*", "erp:0"],
)
def test_what_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"^ivrengine.toml:2: http.allow\[0\]: expected "):
        outside_of(f'[http]\nallow = ["{entry}"]')


def test_a_secret_stands_in_the_settings_or_in_a_file() -> None:
    Path("token").write_text(f"{SECRET}\n")
    Path("ivrengine.toml").write_text(
        f'[secrets]\nplain = "{SECRET}"\nfiled = {{file = "token"}}\n'
    )
    settings = load()
    assert [secret.get_secret_value() for secret in settings.secrets.values()] == [SECRET, SECRET]
    assert set(settings.outside().secrets) == {"plain", "filed"}
    assert SECRET not in f"{settings!r} {settings.model_dump()} {settings.outside()!r}"


@pytest.mark.parametrize(
    "line",
    [
        f'Token = "{SECRET}"',
        f'erp-token = "{SECRET}\\nX: y"',
        f'erp-token = ["{SECRET}"]',
        f'erp-token = {{file = "gone", text = "{SECRET}"}}',
        'erp-token = {file = "gone"}',
        'erp-token = ""',
        "erp-token = 5329",
    ],
)
def test_what_is_no_secret_is_refused_without_being_told(line: str) -> None:
    Path("ivrengine.toml").write_text(f"[secrets]\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load()
    [sentence] = caught.value.problems
    assert sentence.startswith("ivrengine.toml:2: secrets.")
    assert SECRET not in str(caught.value)
    assert "5329" not in str(caught.value)
