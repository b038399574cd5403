"""Events as Asterisk 22.10.1 sends them, seen on the wire and shortened to the fields of their description."""

from typing import Any, Final

AT: Final = "2026-03-02T09:00:00.000+0000"


def channel(
    channel_id: str = "1732213.7", state: str = "Up", app: str = "Stasis"
) -> dict[str, Any]:
    return {
        "id": channel_id,
        "name": "PJSIP/trunk-in-00000010",
        "state": state,
        "protocol_id": "1-21037@127.0.0.1",
        "caller": {"name": "", "number": "05321234567"},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "from-trunk",
            "exten": "+902124440101",
            "priority": 2,
            "app_name": app,
            "app_data": "ivrengine,inbound",
        },
        "creationtime": AT,
        "language": "tr",
    }


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "timestamp": AT,
        **fields,
        "asterisk_id": "02:fc:00:00:00:01",
        "application": "ivrengine",
    }


def start(*args: Any, channel_id: str = "1732213.7") -> dict[str, Any]:
    return event("StasisStart", args=list(args), channel=channel(channel_id, "Ring"))


def inbound(
    did: str = "+902124440101", number: str = "05321234567", shown: str = "allowed"
) -> dict[str, Any]:
    return start("inbound", did, number, shown)


def end(channel_id: str = "1732213.7") -> dict[str, Any]:
    return event("StasisEnd", channel=channel(channel_id))


def hangup_asked(channel_id: str = "1732213.7", **how: Any) -> dict[str, Any]:
    return event("ChannelHangupRequest", channel=channel(channel_id), **how)


def destroyed(channel_id: str = "1732213.7", cause: Any = 16, state: str = "Up") -> dict[str, Any]:
    text = "Normal Clearing"
    return event(
        "ChannelDestroyed", cause=cause, cause_txt=text, channel=channel(channel_id, state)
    )


def state(channel_id: str, now: str) -> dict[str, Any]:
    return event("ChannelStateChange", channel=channel(channel_id, now))


def dtmf(digit: Any, at: str = AT, channel_id: str = "1732213.7") -> dict[str, Any]:
    told = event("ChannelDtmfReceived", digit=digit, duration_ms=100, channel=channel(channel_id))
    return told | {"timestamp": at}


def finished(playback_id: str, how: str = "done") -> dict[str, Any]:
    playback = {
        "id": playback_id,
        "media_uri": "sound:a",
        "target_uri": "channel:1732213.7",
        "language": "tr",
        "state": how,
    }
    return event("PlaybackFinished", playback=playback)


def bridge(kind: str, bridge_id: str, channel_id: str = "1732213.7") -> dict[str, Any]:
    told = {"id": bridge_id, "technology": "simple_bridge", "channels": [channel_id]}
    return event(kind, bridge=told, channel=channel(channel_id))


def recording(kind: str, name: str, **more: Any) -> dict[str, Any]:
    told = {"name": name, "format": "wav", "state": "done", "target_uri": "channel:1", **more}
    return event(kind, recording=told)


ALL: Final = (
    inbound(),
    start("leg", channel_id="ivr-leg"),
    start("strange"),
    end(),
    hangup_asked(cause=32, soft=True),
    hangup_asked(),
    destroyed(),
    state("ivr-leg", "Ringing"),
    dtmf("5"),
    finished("ivr-p"),
    bridge("ChannelEnteredBridge", "ivr-b"),
    bridge("ChannelLeftBridge", "ivr-b"),
    recording("RecordingStarted", "ivr-r"),
    recording("RecordingFinished", "ivr-r", duration=3),
    recording("RecordingFailed", "ivr-r"),
    event("ApplicationReplaced"),
)
