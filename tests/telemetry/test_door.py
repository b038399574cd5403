from ivrengine.asterisk.meter import Meter
from ivrengine.core.ids import NodeName
from ivrengine.telemetry import metrics
from ivrengine.telemetry.door import ENOUGH, KEPT, DoorMeter, Latencies

AST1 = NodeName("ast1")


def test_what_a_door_tells_is_counted() -> None:
    counted = metrics.new()
    meter: Meter = DoorMeter(counted)
    meter.requested(AST1, "channels.answer", "done", 0.002)
    meter.requested(AST1, "channels.play", "gone", 3.0)
    meter.heard(AST1, "ChannelEnded")
    meter.dropped(AST1, "garbled")
    meter.healthy(AST1, well=True)

    def value(name: str, **labels: str) -> float | None:
        return counted.registry.get_sample_value(f"ivrengine_{name}", {"node": "ast1", **labels})

    assert value("requests_total", operation="channels.answer", outcome="done") == 1
    assert value("requests_total", operation="channels.play", outcome="gone") == 1
    assert value("request_seconds_bucket", operation="channels.answer", le="0.0025") == 1
    assert value("request_seconds_bucket", operation="channels.play", le="2.5") == 0
    assert value("events_heard_total", kind="ChannelEnded") == 1
    assert value("door_events_dropped_total", reason="garbled") == 1
    assert value("node_healthy") == 1


def test_only_a_link_that_comes_back_is_a_reconnection() -> None:
    counted = metrics.new()
    meter = DoorMeter(counted)
    for up in (False, True, False, True, False):
        meter.linked(AST1, up=up)
    meter.linked(NodeName("ast2"), up=True)

    def value(name: str, node: str) -> float | None:
        return counted.registry.get_sample_value(f"ivrengine_{name}", {"node": node})

    assert value("reconnects_total", "ast1") == 1
    assert value("reconnects_total", "ast2") is None
    assert value("node_linked", "ast1") == 0
    assert value("node_linked", "ast2") == 1


def test_nine_of_ten_requests_say_how_fast_a_node_answers() -> None:
    latencies = Latencies()
    for hundredth in range(100):
        latencies.note(AST1, "channels.playWithId", hundredth / 100)
        latencies.note(AST1, "channels.answer", 30.0)
    assert latencies.nine_of_ten_s(AST1) == 0.9
    assert latencies.nine_of_ten_s(AST1) is None, "what was told is not told again"


def test_a_few_requests_say_nothing() -> None:
    latencies = Latencies()
    for _ in range(ENOUGH - 1):
        latencies.note(AST1, "channels.playWithId", 9.0)
    assert latencies.nine_of_ten_s(AST1) is None


def test_what_is_remembered_of_a_node_has_a_limit() -> None:
    latencies = Latencies()
    for _ in range(KEPT):
        latencies.note(AST1, "channels.playWithId", 0.001)
    for _ in range(KEPT):
        latencies.note(AST1, "channels.playWithId", 0.5)
    assert latencies.nine_of_ten_s(AST1) == 0.5
