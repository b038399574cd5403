"""The transfer node: ringing, connecting, talking, and every way in which each of them can end."""

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import DigitMode, Outcome, Phase
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId, node_of
from tests.flow.walk import CHANNEL, Walk, flow_of, kinds

TRANSFER = """
    start: reception
    nodes:
      reception:
        type: transfer
        to: reception
        ring_timeout: 15s
        music: jazz
        next: survey
        busy: busy
        no_answer: silent
        failed: broken
      survey: {type: hangup, prompt: thanks}
      busy: {type: play, prompt: busy, next: bye}
      silent: {type: play, prompt: silent, next: bye}
      broken: {type: play, prompt: broken, next: bye}
      bye: {type: hangup}
"""
LAST = TRANSFER.replace("        next: survey\n", "").replace(
    "      survey: {type: hangup, prompt: thanks}\n", ""
)


def ringing(source: str = TRANSFER) -> Walk:
    return Walk(flow_of(source))


def connecting(source: str = TRANSFER) -> Walk:
    walk = ringing(source)
    walk.leg_answers()
    return walk


def talking(source: str = TRANSFER) -> Walk:
    walk = connecting(source)
    walk.leg_joins()
    return walk


def test_the_phone_rings_while_music_plays() -> None:
    walk = ringing()
    assert kinds(walk.last) == ["Answer", "EnterNode", "StartMusic", "Dial", "StartTimer"]
    [dial] = walk.all(effects.Dial)
    assert dial.phone == "reception"
    assert dial.ring_timeout_s == 15.0
    assert node_of(dial.channel_id) == node_of(CHANNEL)
    assert walk.call.phase is Phase.DIALING
    assert walk.call.digit_mode is DigitMode.DROP


def test_answered_they_are_bridged_and_talk_once_the_phone_is_in_the_bridge() -> None:
    walk = connecting()
    assert kinds(walk.last) == ["CancelTimer", "StopMusic", "CreateBridge", "AddToBridge"]
    assert walk.just(effects.AddToBridge)[0].channel_ids == (CHANNEL, walk.leg())
    assert walk.call.phase is Phase.DIALING
    assert not walk.call.talked
    walk = talking()
    assert walk.last == ()
    assert walk.call.phase is Phase.TALKING
    assert walk.call.talked


def test_when_the_other_side_hangs_up_the_caller_goes_on() -> None:
    walk = talking()
    walk.leg_ends(16)
    assert kinds(walk.last)[:2] == ["DestroyBridge", "LeaveNode"]
    assert walk.call.node == "survey"
    walk.hangs_up()
    assert walk.call.outcome is Outcome.TRANSFERRED


def test_without_a_next_node_the_call_ends_with_the_talk() -> None:
    walk = talking(LAST)
    walk.leg_ends(16)
    assert kinds(walk.last) == ["DestroyBridge", "LeaveNode", "HangUp", "StartTimer"]
    assert walk.exits() == [("reception", "next")]
    walk.hangs_up()
    assert walk.call.outcome is Outcome.TRANSFERRED


@pytest.mark.parametrize(
    ("cause", "exit_name"),
    [
        (17, "busy"),
        (16, "no_answer"),
        (18, "no_answer"),
        (19, "no_answer"),
        (21, "failed"),
        (1, "failed"),
        (34, "failed"),
        (0, "failed"),
    ],
)
def test_a_phone_that_is_not_picked_up_leaves_by_its_cause(cause: int, exit_name: str) -> None:
    walk = ringing()
    walk.leg_ends(cause)
    assert walk.exits() == [("reception", exit_name)]
    assert kinds(walk.last)[:3] == ["CancelTimer", "StopMusic", "LeaveNode"]
    assert not walk.all(effects.HangUp)


def test_a_phone_that_rings_on_although_the_switch_should_have_ended_it_is_hung_up() -> None:
    walk = ringing()
    leg = walk.leg()
    walk.timer_fires()
    assert walk.exits() == [("reception", "no_answer")]
    assert walk.all(effects.HangUp) == [effects.HangUp(channel_id=leg)]


@pytest.mark.parametrize("failure", list(Failure))
def test_a_phone_that_cannot_be_dialled_leaves_by_failed(failure: Failure) -> None:
    walk = ringing()
    leg = walk.leg()
    walk.request_fails("Dial", leg, failure)
    assert walk.exits() == [("reception", "failed")]
    may_ring = failure is Failure.UNAVAILABLE
    assert (effects.HangUp(channel_id=leg) in walk.last) is may_ring


@pytest.mark.parametrize("request_kind", ["CreateBridge", "AddToBridge"])
def test_a_bridge_that_cannot_be_made_leaves_by_failed_and_frees_the_phone(
    request_kind: str,
) -> None:
    walk = connecting()
    leg, bridge = walk.leg(), walk.call.cursor.bridge_id
    assert bridge is not None
    walk.request_fails(request_kind, bridge, Failure.REFUSED)
    assert walk.exits() == [("reception", "failed")]
    assert effects.HangUp(channel_id=leg) in walk.last
    freed = effects.DestroyBridge(bridge_id=bridge, frees=walk.call.channel_id)
    assert freed in walk.last
    walk.hangs_up()
    assert walk.call.outcome is Outcome.HUNG_UP, "nobody was talked to"


def test_a_phone_that_is_gone_before_it_is_bridged_was_not_talked_to() -> None:
    walk = connecting()
    walk.leg_ends(16)
    assert walk.exits() == [("reception", "failed")]
    assert walk.just(effects.DestroyBridge)


def test_a_phone_that_was_taken_elsewhere_leaves_as_one_that_hung_up() -> None:
    walk = talking()
    walk.meet(events.ChannelLeft(at=walk.at, channel_id=walk.leg()))
    assert walk.exits() == [("reception", "next")]
    assert not walk.all(effects.HangUp)


@pytest.mark.parametrize("stage", [ringing, connecting, talking])
def test_a_caller_who_hangs_up_lets_go_of_everything(stage: object) -> None:
    assert callable(stage)
    walk: Walk = stage()
    cursor = walk.call.cursor
    walk.hangs_up()
    assert walk.call.phase is Phase.ENDED
    assert effects.HangUp(channel_id=ChannelId(str(cursor.leg_id))) in walk.last
    assert bool(walk.just(effects.DestroyBridge)) is (cursor.bridge_id is not None)
    assert bool(walk.just(effects.CancelTimer)) is (cursor.timer_id is not None)
    assert walk.call.outcome is (Outcome.TRANSFERRED if stage is talking else Outcome.HUNG_UP)


@pytest.mark.parametrize("stage", [ringing, connecting, talking])
def test_an_error_in_any_stage_lets_go_of_the_phone_and_finds_a_person(stage: object) -> None:
    assert callable(stage)
    walk: Walk = stage()
    leg = walk.leg()
    walk.meet(events.CallFailed(at=walk.at, error="KeyError"))
    assert effects.HangUp(channel_id=leg) in walk.last
    assert walk.all(effects.SendToFallback)
    assert walk.call.outcome is Outcome.FALLBACK


def test_a_phone_picked_up_after_it_was_given_up_is_hung_up() -> None:
    walk = ringing()
    leg = walk.leg()
    walk.timer_fires()
    walk.meet(events.LegAnswered(at=walk.at, channel_id=leg))
    assert walk.last == (effects.HangUp(channel_id=leg),)


def test_ringing_and_what_happens_in_the_bridge_change_nothing() -> None:
    walk = ringing()
    before = walk.call
    walk.meet(events.LegRinging(at=walk.at, channel_id=walk.leg()))
    assert (walk.call, walk.last) == (before, ())
    walk.leg_answers()
    bridge = walk.call.cursor.bridge_id
    assert bridge is not None
    before = walk.call
    walk.meet(events.BridgeJoined(at=walk.at, bridge_id=bridge, channel_id=CHANNEL))
    assert (walk.call, walk.last) == (before, ())
    walk.leg_joins()
    before = walk.call
    walk.meet(events.BridgeLeft(at=walk.at, bridge_id=bridge, channel_id=walk.leg()))
    assert (walk.call, walk.last) == (before, ())
