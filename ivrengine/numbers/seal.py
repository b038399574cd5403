"""Master keys and what they are for: the keyed hash by which a caller is known, and the seal on the numbers vault.

An arrival's number passes here once, on its way to the first event of its call; behind it only the key, the mask and
the sealed bytes go on.
"""

import dataclasses
import hmac
import os
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ivrengine.core.ids import BrandId, CallerKey, NumberId

SECRET_BYTES: Final = 32
CALLER_KEY_BYTES: Final = 16
"""128 bits of the HMAC: no two of a brand's callers will ever meet."""
NONCE_BYTES: Final = 12
"""NIST SP 800-38D, 8.2.2: random nonces of 96 bits carry 2**32 seals by one key, a hundred years of a brand's calls."""
NUMBER_BYTES: Final = 16
"""Room for every E.164 number with its ``+``: all are sealed at one length, which then tells nothing."""

RandomBytes = Callable[[int], bytes]


class UnsealError(Exception):
    """A sealed number that cannot be opened: its master key is gone, or it is not what was sealed here."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """A key from which those of each brand are derived; ``key_id`` is written beside all that it made."""

    key_id: str
    secret: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A number as the vault keeps it: nonce, ciphertext and tag, and the id of the master key that opens it."""

    key_id: str
    sealed: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _BrandKeys:
    """One brand's keys under one master key: derived once, as HKDF costs more than all that is done with them."""

    hashing: bytes = dataclasses.field(repr=False)
    sealing: AESGCM = dataclasses.field(repr=False)


class Sealer:
    """Hashes and seals with the newest master key, and opens with all of them."""

    def __init__(self, keys: Sequence[MasterKey], random_bytes: RandomBytes = os.urandom) -> None:
        if not keys:
            raise ValueError("a sealer needs at least one master key")
        self._masters = {key.key_id: key for key in keys}
        if len(self._masters) < len(keys):
            raise ValueError("two master keys have the same id")
        self._newest = keys[0].key_id
        self._random_bytes = random_bytes
        # Grows to brands times master keys, both of which come from files, and no further.
        self._derived: dict[tuple[str, BrandId], _BrandKeys] = {}

    def caller_key(self, brand: BrandId, number: str) -> CallerKey:
        """Return the key by which this brand knows the caller; to another brand the same caller is a stranger."""
        return self._caller_key(self._newest, brand, number)

    def caller_keys(self, brand: BrandId, number: str) -> tuple[CallerKey, ...]:
        """Return the caller's keys under every master key, newest first: a visit before a rotation has an older one."""
        return tuple(self._caller_key(key_id, brand, number) for key_id in self._masters)

    def seal(self, brand: BrandId, number_id: NumberId, number: str) -> Sealed:
        """Return the E.164 number sealed: readable only with the master key, and only as this entry of this brand."""
        plain = number.encode().ljust(NUMBER_BYTES, b"\0")
        if len(plain) > NUMBER_BYTES:
            raise ValueError("expected an E.164 number of at most 15 digits")
        nonce = self._random_bytes(NONCE_BYTES)
        keys = self._brand_keys(self._newest, brand)
        text = keys.sealing.encrypt(nonce, plain, _entry(brand, number_id))
        return Sealed(key_id=self._newest, sealed=nonce + text)

    def open_number(self, brand: BrandId, number_id: NumberId, sealed: Sealed) -> str:
        """Return the number that was sealed as this entry; raises ``UnsealError``."""
        if sealed.key_id not in self._masters:
            raise UnsealError(f"the master key {sealed.key_id} is not among those loaded")
        nonce, text = sealed.sealed[:NONCE_BYTES], sealed.sealed[NONCE_BYTES:]
        keys = self._brand_keys(sealed.key_id, brand)
        try:
            plain = keys.sealing.decrypt(nonce, text, _entry(brand, number_id))
        except (InvalidTag, ValueError):  # ValueError: a nonce cut short
            raise UnsealError(f"entry {number_id} of the numbers vault was changed") from None
        return plain.rstrip(b"\0").decode()

    def _caller_key(self, key_id: str, brand: BrandId, number: str) -> CallerKey:
        keys = self._brand_keys(key_id, brand)
        digest = hmac.digest(keys.hashing, number.encode(), "sha256")
        return CallerKey(f"{key_id}:{digest[:CALLER_KEY_BYTES].hex()}")

    def _brand_keys(self, key_id: str, brand: BrandId) -> _BrandKeys:
        keys = self._derived.get((key_id, brand))
        if keys is None:
            secret = self._masters[key_id].secret
            keys = _BrandKeys(
                hashing=_derive(secret, "caller-key", brand),
                sealing=AESGCM(_derive(secret, "numbers-vault", brand)),
            )
            self._derived[key_id, brand] = keys
        return keys


def _derive(secret: bytes, purpose: str, brand: BrandId) -> bytes:
    """Return the brand's key for one purpose (RFC 5869; purpose and brand are the ``info``)."""
    info = f"ivrengine/1/{purpose}/{brand}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(secret)


def _entry(brand: BrandId, number_id: NumberId) -> bytes:
    """Return what a seal is bound to: moved to another entry or another brand it does not open."""
    return f"{brand}/{number_id}".encode()
