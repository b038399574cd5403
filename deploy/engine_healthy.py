"""Succeeds when the engine on this machine is ready for calls, as its own ``/readyz`` says; else says why not.

Run in the engine's container. What only degrades it (PostgreSQL away, one of several Asterisks) does not make it fail.
"""

import sys
import urllib.error
import urllib.request

from ivrengine.settings.load import SettingsError, load

TIMEOUT_S = 3.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - read, not listened on
"""Where to find what listens on all addresses."""


def trouble(listen: str | None) -> str | None:
    """Return why the engine is not ready, or None if it is."""
    if listen is None:
        return "metrics.listen is not set: nothing tells whether the engine is ready"
    host, _, port = listen.rpartition(":")
    address = f"{EVERYWHERE.get(host, host)}:{port}"
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as answer:
        return answer.read().decode(errors="replace")
    except OSError as error:
        return f"no answer from {address}: {error}"


if __name__ == "__main__":
    try:
        listened_on = load().metrics.listen
    except SettingsError as wrong:
        sys.exit(str(wrong))
    sys.exit(trouble(listened_on))
