"""Who can be reached, as ARI lists it: what AMI's changes are changes of. AMI's own lists would need rights that we refuse."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from ivrengine.asterisk import wire
from ivrengine.core.switching import PhoneState

T = TypeVar("T")

LIST: Final = "endpoints/PJSIP"
CONFIGURED: Final = "asterisk/config/dynamic/res_pjsip/endpoint/{}"

Read = Callable[[str], Awaitable[str]]
"""Returns the body of what ARI answers to a GET of that path; raises ``RequestRefusedError``."""


class Endpoint(msgspec.Struct, frozen=True):
    """An endpoint of Asterisk; ``state`` is ``online``, ``offline`` or ``unknown``."""

    resource: str
    state: str
    channel_ids: list[str]

    @property
    def phone_state(self) -> PhoneState:
        """What it does, if it is a phone: ARI does not tell ringing from talking."""
        if self.channel_ids:
            return PhoneState.IN_USE
        return PhoneState.FREE if self.state == "online" else PhoneState.UNREACHABLE


class _Attribute(msgspec.Struct):
    attribute: str
    value: str


_endpoints: Final = msgspec.json.Decoder(list[Endpoint])
_attributes: Final = msgspec.json.Decoder(list[_Attribute])


async def look(read: Read) -> list[Endpoint]:
    """Return all endpoints; raises ``RequestRefusedError``."""
    return _decoded(_endpoints, await read(LIST))


async def has_contacts(read: Read, name: str) -> bool:
    """Tell whether the endpoint has an address of its own (``aors``): one that only calls us is never ``online``."""
    configured = _decoded(_attributes, await read(CONFIGURED.format(name)))
    return any(each.value for each in configured if each.attribute == "aors")


def _decoded(decoder: "msgspec.json.Decoder[T]", body: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise wire.NoAnswerError("an answer that is not ARI's") from error
