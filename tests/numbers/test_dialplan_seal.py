"""Numbers as Asterisk's ``AES_ENCRYPT`` seals them, and anything else as nothing."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.numbers.dialplan_seal import opened

KEY = "0123456789abcdef"


def sealed(plain: str, key: str = KEY) -> str:
    """Seal as Asterisk does: blocks of 16 bytes, the last filled up with zeros."""
    padded = plain.encode().ljust(-(-len(plain) // 16) * 16, b"\0")
    cipher = Cipher(algorithms.AES(key.encode()), modes.ECB()).encryptor()  # noqa: S305 (it is Asterisk's)
    return base64.b64encode(cipher.update(padded)).decode()


@pytest.mark.parametrize(
    ("text", "number"),
    [  # as 22.10.1 made them
        ("+wEqsAymJMDvGz4V7nYwJQ==", "+9053"),
        ("0bV9nwZs+ZUzoJ8LHSwePQ==", "+905321234567"),
        ("0bV9nwZs+ZUzoJ8LHSwePdGO+TFy95uIycc15mfPoqY=", "+9053212345671234567890"),
    ],
)
def test_what_asterisk_sealed_is_opened(text: str, number: str) -> None:
    assert opened(text, KEY) == number


@given(st.from_regex(r"\A[0-9]{3}[+0-9]{1,32}\Z"))
def test_every_number_comes_back(plain: str) -> None:
    assert opened(sealed(plain), KEY) == plain[3:]


@given(st.from_regex(r"\A[0-9]{3}\+[0-9]{8,15}\Z"))
def test_another_key_opens_nothing(plain: str) -> None:
    assert opened(sealed(plain), "fedcba9876543210") is None


@given(st.text(max_size=200), st.text(max_size=20))
def test_whatever_it_is_it_raises_nothing(text: str, key: str) -> None:
    assert opened(text, key) is None or len(key) == 16


def test_what_was_sealed_and_is_no_number_is_nothing() -> None:
    for plain in ("742", "742abc", "74+905321234567", "742+90532\n", "742" + "1" * 33):
        assert opened(sealed(plain), KEY) is None
