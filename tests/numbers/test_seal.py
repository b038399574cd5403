import hmac
import itertools
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core.ids import BrandId, NumberId
from ivrengine.numbers import seal
from ivrengine.numbers.seal import MasterKey, Sealed, Sealer, UnsealError

OLD = MasterKey(key_id="old", secret=b"\x01" * 32)
NEW = MasterKey(key_id="new", secret=b"\x02" * 32)
SUN, MOON = BrandId("guneskent"), BrandId("aykent")
ENTRY = NumberId("01900000-0000-7000-8000-000000000001")
NUMBER = "+905321234567"


def test_a_caller_key_is_key_id_and_128_bits_of_hex() -> None:
    assert re.fullmatch(r"new:[0-9a-f]{32}", Sealer([NEW]).caller_key(SUN, NUMBER))


def test_a_caller_key_stays_the_same_from_start_to_start() -> None:
    """The stored keys of all callers hang on this value: if it changes, nobody is recognised any more."""
    extracted = hmac.digest(bytes(32), OLD.secret, "sha256")  # HKDF by RFC 5869, step by step
    derived = hmac.digest(extracted, b"ivrengine/1/caller-key/guneskent\x01", "sha256")
    expected = hmac.digest(derived, NUMBER.encode(), "sha256").hex()[:32]
    assert Sealer([OLD]).caller_key(SUN, NUMBER) == f"old:{expected}"
    assert expected == "750987bcf478ed9637d36c557ae6472a"


def test_two_brands_know_one_caller_by_unrelated_keys() -> None:
    sealer = Sealer([NEW])
    one, other = sealer.caller_key(SUN, NUMBER), sealer.caller_key(MOON, NUMBER)
    assert one != other
    assert sealer.caller_key(SUN, "+905321234568") != one


def test_after_a_rotation_a_caller_is_still_found_by_the_older_key() -> None:
    before = Sealer([OLD]).caller_key(SUN, NUMBER)
    rotated = Sealer([NEW, OLD])
    assert rotated.caller_key(SUN, NUMBER).startswith("new:")
    assert rotated.caller_keys(SUN, NUMBER) == (rotated.caller_key(SUN, NUMBER), before)


def test_after_a_rotation_old_seals_open_and_new_ones_use_the_new_key() -> None:
    old = Sealer([OLD]).seal(SUN, ENTRY, NUMBER)
    rotated = Sealer([NEW, OLD])
    assert rotated.open_number(SUN, ENTRY, old) == NUMBER
    new = rotated.seal(SUN, ENTRY, NUMBER)
    assert new.key_id == "new"
    assert Sealer([NEW]).open_number(SUN, ENTRY, new) == NUMBER


def test_without_its_master_key_a_seal_is_shut_and_the_error_names_the_key() -> None:
    old = Sealer([OLD]).seal(SUN, ENTRY, NUMBER)
    with pytest.raises(UnsealError, match="the master key old is not among those loaded"):
        Sealer([NEW]).open_number(SUN, ENTRY, old)


@given(digits=st.integers(1, 10**15 - 1), brand=st.text(min_size=1), entry=st.uuids())
def test_every_number_opens_as_it_was_sealed(digits: int, brand: str, entry: object) -> None:
    sealer = Sealer([NEW])
    number, number_id = f"+{digits}", NumberId(str(entry))
    sealed = sealer.seal(BrandId(brand), number_id, number)
    assert sealer.open_number(BrandId(brand), number_id, sealed) == number
    assert number.encode() not in sealed.sealed
    assert len(sealed.sealed) == 12 + 16 + 16


@given(at=st.integers(0, 43), flip=st.integers(1, 255))
def test_a_seal_with_any_bit_changed_does_not_open(at: int, flip: int) -> None:
    sealer = Sealer([NEW])
    whole = bytearray(sealer.seal(SUN, ENTRY, NUMBER).sealed)
    whole[at] ^= flip
    with pytest.raises(UnsealError, match="was changed"):
        sealer.open_number(SUN, ENTRY, Sealed(key_id="new", sealed=bytes(whole)))


@given(length=st.integers(0, 43))
def test_a_seal_cut_short_does_not_open(length: int) -> None:
    sealer = Sealer([NEW])
    cut = sealer.seal(SUN, ENTRY, NUMBER).sealed[:length]
    with pytest.raises(UnsealError):
        sealer.open_number(SUN, ENTRY, Sealed(key_id="new", sealed=cut))


@pytest.mark.parametrize(
    "open_elsewhere",
    [
        lambda sealer, sealed: sealer.open_number(MOON, ENTRY, sealed),
        lambda sealer, sealed: sealer.open_number(SUN, NumberId("another"), sealed),
        lambda sealer, sealed: sealer.open_number(
            SUN, ENTRY, Sealed(key_id="old", sealed=sealed.sealed)
        ),
    ],
    ids=["another brand", "another entry", "another key"],
)
def test_a_seal_opens_only_where_it_was_made(
    open_elsewhere: Callable[[Sealer, Sealed], str],
) -> None:
    sealer = Sealer([NEW, OLD])
    with pytest.raises(UnsealError):
        open_elsewhere(sealer, sealer.seal(SUN, ENTRY, NUMBER))


def test_no_nonce_comes_twice() -> None:
    sealer = Sealer([NEW])
    nonces = {sealer.seal(SUN, ENTRY, NUMBER).sealed[:12] for _ in range(1000)}
    assert len(nonces) == 1000


def test_the_nonce_is_drawn_from_the_source_of_randomness() -> None:
    counter = itertools.count()
    sealer = Sealer([NEW], random_bytes=lambda size: next(counter).to_bytes(size, "big"))
    assert sealer.seal(SUN, ENTRY, NUMBER).sealed[:12] == bytes(12)
    assert sealer.seal(SUN, ENTRY, NUMBER).sealed[:12] == bytes(11) + b"\x01"


def test_no_repr_and_no_error_shows_a_key_or_a_number() -> None:
    sealer = Sealer([NEW, OLD])
    sealed = sealer.seal(SUN, ENTRY, NUMBER)
    shown = repr((NEW, sealer, sealed, sealer._brand_keys("new", SUN)))
    assert repr(NEW) == "MasterKey(key_id='new')"
    assert "\\x02\\x02" not in shown
    assert "0202" not in shown
    with pytest.raises(ValueError, match="at most 15 digits") as caught:
        sealer.seal(SUN, ENTRY, NUMBER + "12345")
    assert "532" not in str(caught.value)


def test_a_brand_s_keys_are_derived_once() -> None:
    sealer = Sealer([NEW])
    assert sealer._brand_keys("new", SUN) is sealer._brand_keys("new", SUN)


def test_one_purpose_s_key_is_not_the_other_s() -> None:
    assert seal._derive(NEW.secret, "caller-key", SUN) != seal._derive(
        NEW.secret, "numbers-vault", SUN
    )


def test_a_sealer_without_keys_or_with_one_id_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sealer([])
    with pytest.raises(ValueError, match="same id"):
        Sealer([NEW, MasterKey(key_id="new", secret=b"\x03" * 32)])
