"""What becomes of a caller's number when the call arrives: a keyed hash, a mask, and a sealed copy for the vault."""

from collections.abc import Callable
from datetime import datetime, timedelta

from ivrengine.core.call import Caller
from ivrengine.core.ids import BrandId, NumberId
from ivrengine.core.rows import NumberRow
from ivrengine.engine.identity import uuid7
from ivrengine.flow.book import Book
from ivrengine.numbers.normal import mask
from ivrengine.numbers.seal import Sealer

WITHHELD = Caller(withheld=True, mask="withheld", key=None, number_id=None)
PURPOSE = "call"
"""Why the vault holds the number of someone who called: to call back, within the brand's retention."""


class Recogniser:
    """Turns numbers into callers; the only place of the engine that sees a number."""

    def __init__(self, sealer: Sealer, book: Callable[[], Book], *, retention: timedelta) -> None:
        """Seal with the newest key; entries of the vault expire after ``retention``."""
        self._sealer = sealer
        self._book = book
        self._retention = retention

    def __call__(
        self,
        brand: BrandId,
        number: str | None,
        at: datetime,
        number_id: NumberId | None = None,
    ) -> tuple[Caller, NumberRow | None]:
        """Return what the core may know of the caller, and the vault's entry; nothing of either if withheld.

        ``number_id`` names the entry of a number that may be told again; without it the entry is a new one.
        """
        if number is None:
            return WITHHELD, None
        number_id = number_id or NumberId(uuid7(at))
        known = self._book().brands.get(brand)
        keys_allowed = known is None or known.caller_keys
        caller = Caller(
            withheld=False,
            mask=mask(number),
            key=self._sealer.caller_key(brand, number) if keys_allowed else None,
            number_id=number_id,
        )
        sealed = self._sealer.seal(brand, number_id, number)
        return caller, NumberRow(
            number_id=number_id,
            brand=brand,
            purpose=PURPOSE,
            key_id=sealed.key_id,
            sealed=sealed.sealed,
            sealed_at=at,
            expires_at=at + self._retention,
        )
