"""File descriptors: as many as we may have, and a word if they are few."""

import resource
from typing import Final

import structlog

ENOUGH: Final = 1024
"""Each Asterisk takes up to 34 (requests, events, AMI), the journal and the database some dozens."""
PLENTY: Final = 65_536
"""64 nodes need 2,200; some programs that we start look at each that they may have."""

_log = structlog.get_logger(__name__)


def take_all() -> int:
    """Raise our own limit to what we are allowed, and say so if it is little all the same; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = PLENTY if hard == resource.RLIM_INFINITY else min(hard, PLENTY)
    limit = max(soft, allowed)
    if limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < ENOUGH:
        _log.warning("few file descriptors", limit=limit, expected=ENOUGH)
    return limit
