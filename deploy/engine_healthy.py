"""Succeeds when every Asterisk of the settings has the engine's application: its event socket is open.

Run in the engine's container. An Asterisk that is down makes the engine unhealthy too: it can answer no call.
"""

import base64
import json
import sys
import urllib.request

from ivrengine.settings.load import SettingsError, load
from ivrengine.settings.model import AsteriskNode

TIMEOUT_S = 3.0


def serves(node: AsteriskNode) -> bool:
    """Ask this Asterisk for the application of the engine."""
    login = base64.b64encode(f"{node.username}:{node.secret()}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 (the settings allow http and https only)
        f"{node.url}ari/applications", headers={"Authorization": f"Basic {login}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 (as above)
            applications = json.load(answer)
    except OSError:
        return False
    return any(application["name"] == node.application for application in applications)


if __name__ == "__main__":
    try:
        nodes = load().asterisk
    except SettingsError as error:
        sys.exit(str(error))
    sys.exit(not all(serves(node) for node in nodes))
