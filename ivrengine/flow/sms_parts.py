"""How many parts a text message takes, as networks count and bill it (3GPP TS 23.038, 6.2.1; TS 23.040, 9.2.3.24)."""

from collections.abc import Iterable
from typing import Final

_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Characters that take the room of two, for the escape before them."""
GSM_ALONE: Final = 160
GSM_OF_SEVERAL: Final = 153
UCS2_ALONE: Final = 70
"""With one character outside the GSM alphabet (ş, ğ, ı, İ) the whole text is written so."""
UCS2_OF_SEVERAL: Final = 67
_BEYOND_PLANE_0: Final = 0x10000


def parts_of(text: str) -> int:
    """Return the number of parts, at least 1.

    The shift tables that would save Turkish letters a wider alphabet (TS 23.038, A.3.1) are not counted on: not all
    networks take them.
    """
    if all(char in _GSM or char in _GSM_EXTENDED for char in text):
        return _parts((1 + (char in _GSM_EXTENDED) for char in text), GSM_ALONE, GSM_OF_SEVERAL)
    return _parts(
        (1 + (ord(char) >= _BEYOND_PLANE_0) for char in text), UCS2_ALONE, UCS2_OF_SEVERAL
    )


def _parts(widths: Iterable[int], alone: int, of_several: int) -> int:
    """Count what characters of these widths fill; none is cut in two by the end of a part."""
    total, parts, room = 0, 1, of_several
    for width in widths:
        total += width
        if width > room:
            parts, room = parts + 1, of_several
        room -= width
    return 1 if total <= alone else parts
