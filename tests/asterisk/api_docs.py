"""What a fake ARI says of itself: the operations that the door uses, described as Asterisk describes them."""

from collections.abc import Mapping
from typing import Any, Final

OPERATIONS: Final[Mapping[str, tuple[tuple[str, str, str, str], ...]]] = {
    "applications": (("get", "GET", "/applications/{applicationName}", ""),),
    "asterisk": (
        ("getInfo", "GET", "/asterisk/info", ""),
        ("getGlobalVar", "GET", "/asterisk/variable", "variable"),
        ("setGlobalVar", "POST", "/asterisk/variable", "variable value"),
    ),
    "bridges": (
        ("get", "GET", "/bridges/{bridgeId}", ""),
        ("createWithId", "POST", "/bridges/{bridgeId}", "type"),
        ("destroy", "DELETE", "/bridges/{bridgeId}", ""),
        ("addChannel", "POST", "/bridges/{bridgeId}/addChannel", "channel"),
        ("removeChannel", "POST", "/bridges/{bridgeId}/removeChannel", "channel"),
        (
            "record",
            "POST",
            "/bridges/{bridgeId}/record",
            "name format maxDurationSeconds ifExists",
        ),
    ),
    "channels": (
        ("get", "GET", "/channels/{channelId}", ""),
        ("hangup", "DELETE", "/channels/{channelId}", ""),
        (
            "originateWithId",
            "POST",
            "/channels/{channelId}",
            "endpoint app appArgs callerId timeout",
        ),
        ("answer", "POST", "/channels/{channelId}/answer", ""),
        (
            "continueInDialplan",
            "POST",
            "/channels/{channelId}/continue",
            "context extension priority",
        ),
        ("playWithId", "POST", "/channels/{channelId}/play/{playbackId}", "media"),
        (
            "record",
            "POST",
            "/channels/{channelId}/record",
            "name format maxDurationSeconds maxSilenceSeconds ifExists",
        ),
        (
            "snoopChannelWithId",
            "POST",
            "/channels/{channelId}/snoop/{snoopId}",
            "spy app appArgs",
        ),
        ("startMoh", "POST", "/channels/{channelId}/moh", "mohClass"),
        ("stopMoh", "DELETE", "/channels/{channelId}/moh", ""),
    ),
    "events": (("eventWebsocket", "GET", "/events", "app subscribeAll"),),
    "playbacks": (
        ("get", "GET", "/playbacks/{playbackId}", ""),
        ("stop", "DELETE", "/playbacks/{playbackId}", ""),
    ),
    "recordings": (
        ("getLive", "GET", "/recordings/live/{recordingName}", ""),
        ("stop", "POST", "/recordings/live/{recordingName}/stop", ""),
        ("pause", "POST", "/recordings/live/{recordingName}/pause", ""),
        ("unpause", "DELETE", "/recordings/live/{recordingName}/pause", ""),
        ("getStored", "GET", "/recordings/stored/{recordingName}", ""),
        ("deleteStored", "DELETE", "/recordings/stored/{recordingName}", ""),
    ),
}
_CLASSES: Final = {"channels": "Channel", "bridges": "Bridge", "playbacks": "Playback"}


def described(resource: str, nickname: str, method: str, path: str, query: str) -> dict[str, Any]:
    inside = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [
        {"name": name, "paramType": "path", "required": True, "dataType": "string"}
        for name in inside
    ]
    parameters += [
        {"name": name, "paramType": "query", "required": False, "dataType": "string"}
        for name in query.split()
    ]
    operation = {
        "httpMethod": method,
        "nickname": nickname,
        "parameters": parameters,
        "responseClass": _CLASSES.get(resource, "object") if method == "GET" else "void",
    }
    if nickname == "eventWebsocket":
        operation["upgrade"] = "websocket"
    return {"path": path, "description": "", "operations": [operation]}
