"""Opens numbers that the dialplan has sealed with ``AES_ENCRYPT``, so that no file of Asterisk holds one.

AES-128 in ECB, in base64, of three random digits and the number, filled up with zero bytes (``funcs/func_aes.c``, seen on
22.10.1).
"""

import base64
import binascii
import re
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES: Final = 16
SEALED_MAX: Final = 128
"""Characters: 20 digits and the three before them take 44."""
_PLAIN: Final = re.compile(r"[0-9]{3}([+0-9]{1,32})", re.ASCII)


def opened(sealed: str, key: str) -> str | None:
    """Return the number; None if the key is another one, or this is nothing that was sealed. Never raises.

    ``key`` is 16 characters of ASCII, as the dialplan takes it.
    """
    if len(sealed) > SEALED_MAX or len(key) != KEY_BYTES or not key.isascii():
        return None
    try:
        blocks = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not blocks or len(blocks) % KEY_BYTES:
        return None
    # ECB is what the dialplan can do; the random digits keep equal numbers from looking equal.
    cipher = Cipher(algorithms.AES(key.encode()), modes.ECB()).decryptor()  # noqa: S305
    plain = cipher.update(blocks).rstrip(b"\0")
    found = _PLAIN.fullmatch(plain.decode("ascii", "replace"))
    return None if found is None else found[1]
