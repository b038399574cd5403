import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.telemetry.redaction import NUMBER, REDACTED, redact, text

NUMBERS = st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True)
GROUPED = st.from_regex(r"\+[0-9]{2} [0-9]{3} [0-9]{3}-[0-9]{2}-[0-9]{2}", fullmatch=True)
WORDS = st.text(alphabet="abc ş:'(){}[]\n", max_size=20)
KEYS = st.sampled_from(["event", "error", "exception", "reason", "endpoint", "caller_id", "raw"])
SHAPES = st.sampled_from(["plain", "listed", "nested", "repr"])


class Holder:
    def __init__(self, inside: str) -> None:
        self.inside = inside

    def __repr__(self) -> str:
        return f"Holder({self.inside!r})"


def shaped(value: str, shape: str) -> object:
    match shape:
        case "plain":
            return value
        case "listed":
            return [("x", value)]
        case "nested":
            return {"outer": {value: value}}
        case _:
            return Holder(value)


def line(event: dict[str, Any]) -> str:
    return json.dumps(redact(None, "info", event))


@given(before=WORDS, number=NUMBERS | GROUPED, after=WORDS, key=KEYS, shape=SHAPES)
def test_a_phone_number_never_survives(
    before: str, number: str, after: str, key: str, shape: str
) -> None:
    written = line({key: shaped(before + number + after, shape)})
    assert number not in written
    assert not re.search(r"[0-9]{7}", written)


@given(secret=st.text(min_size=4), shape=SHAPES)
@pytest.mark.parametrize("key", ["password", "caller_pii", "digits", "Authorization", "ari_token"])
def test_a_value_under_a_secret_key_never_survives(key: str, secret: str, shape: str) -> None:
    assert redact(None, "info", {"fields": {key: shaped(secret, shape)}}) == {
        "fields": {key: REDACTED}
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("call_id", "0193a1b2-0000-7000-8000-123456789012"),
        ("channel_id", "ast1:1732213000.7"),
        ("channel_ids", ["ast1:1732213000.7"]),
        ("did", "+902124440101"),
        ("arrived_at", "20261121T221600Z"),
        ("flow_hash", "1234567890abcdef"),
        ("caller_key", "k1:12345678901234567890"),
        ("journal_bytes", 123456789),
        ("duration_s", 1234567.5),
        ("event", "listening on 127.0.0.1:8088"),
        ("reason", "lost 192.168.100.200:8088 at 2026-11-21 22:16:00"),
        ("caller", "+90 532 *** ** 67"),
    ],
)
def test_ids_instants_addresses_and_masks_stay_readable(key: str, value: object) -> None:
    assert redact(None, "info", {key: value}) == {key: value}


@given(st.dictionaries(KEYS, NUMBERS | WORDS))
def test_redacting_twice_is_redacting_once(event: dict[str, str]) -> None:
    once = redact(None, "info", dict(event))
    assert redact(None, "info", dict(once)) == once


def test_passwords_within_addresses_are_taken_out() -> None:
    assert text("cannot reach postgresql://ivr:s3cret@db/ivr") == (
        f"cannot reach postgresql://ivr:{REDACTED}@db/ivr"
    )
    assert text("GET /ari/events?app=x&api_key=ivrengine:s3cret&b=1") == (
        f"GET /ari/events?app=x&api_key={REDACTED}&b=1"
    )


def test_a_number_leaves_a_word_in_its_place() -> None:
    assert text("no route for +905321234567.") == f"no route for {NUMBER}."
