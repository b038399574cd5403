"""What the settings take of an Asterisk's manager interface, and the sentence for each mistake."""

import os
from pathlib import Path

import pytest

from ivrengine.settings.load import SettingsError, load

SECRET = "k0nuşma-gizli-5329"
NODE = "[[asterisk]]\nname = 'a'\nurl = 'http://h'\npassword = 'p'\n"


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("IVRENGINE_"):
            monkeypatch.delenv(name)


def test_ami_is_optional_and_its_password_may_be_in_a_file() -> None:
    Path("ivrengine.toml").write_text(NODE)
    (node,) = load().asterisk
    assert (node.ami, node.ami_secret(), node.trunks) == (None, "", ())
    Path("secret").write_text(f"{SECRET}\n")
    Path("ivrengine.toml").write_text(
        f"{NODE}ami = '[::1]:5038'\nami_password_file = 'secret'\ntrunks = ['carrier_1.b']"
    )
    (node,) = load().asterisk
    assert (node.ami, node.ami_username, node.ami_tls) == ("[::1]:5038", "ivrengine", False)
    assert node.ami_secret() == SECRET
    assert node.trunks == ("carrier_1.b",)
    assert SECRET not in repr(node)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ami = 'h:5038'", "[0]: expected one of `ami_password` and `ami_password_file`"),
        (
            f"ami = 'h:5038'\nami_password = '{SECRET}'\nami_password_file = 'x'",
            "[0]: expected one of `ami_password` and `ami_password_file`",
        ),
        (f"ami_password = '{SECRET}'", "[0]: expected `ami` beside the other settings that begin"),
        (
            f"ami = 'h:5038'\nami_password = \"{SECRET}\\r\\nAction: Originate\"",
            "[0]: expected a user and a password of AMI without control characters",
        ),
        (
            f"ami = 'h'\nami_password = '{SECRET}'",
            "[0].ami: expected the address and port of an Asterisk's manager interface",
        ),
        (
            f"ami = 'h:5038'\nami_password = '{SECRET}'\nami_ca_file = 'x'",
            "[0]: expected `ami_tls = true` beside `ami_ca_file`",
        ),
        (
            f"ami = 'h:5038'\nami_password = '{SECRET}'\nami_tls = true\nami_ca_file = 'nowhere'",
            "[0].ami_ca_file: expected a file that the engine can read, found `nowhere`",
        ),
        (
            "trunks = ['PJSIP/x']",
            "[0].trunks[0]: expected the name of an endpoint as in pjsip.conf",
        ),
    ],
)
def test_what_is_wrong_is_told(text: str, sentence: str) -> None:
    Path("ivrengine.toml").write_text(NODE + text)
    with pytest.raises(SettingsError) as caught:
        load()
    (problem,) = caught.value.problems
    assert sentence in problem
    assert SECRET not in problem
