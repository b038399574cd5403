"""The callers, agents and carriers of the live tests: test telephones, pointed at the Asterisk under test."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from tests.live.access import access
from tests.sip.call import Call
from tests.sip.caller import Caller
from tests.sip.phone import Behaviour, Phone

DID: Final = "+902124440101"
NUMBER: Final = "+905321234567"


def caller(did: str = DID, **said: Any) -> AbstractAsyncContextManager[Call]:
    """Call a number of ours, as ``Caller.dial`` does."""
    return Caller.dial(did, at=access().sip, **said)


def agent(
    name: str = "agent-101", behaviour: Behaviour | None = None
) -> AbstractAsyncContextManager[Phone]:
    """Put up the telephone of an agent."""
    password = access().agent_password
    return Phone.register(name, at=access().sip, password=password, behaviour=behaviour)


def carrier(behaviour: Behaviour | None = None) -> AbstractAsyncContextManager[Phone]:
    """Stand where calls go that are dialled over the trunk."""
    host, port = access().carrier
    return Phone.listen(behaviour=behaviour, source=host, port=port)
