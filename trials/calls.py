"""Trials 16 to 28: events and races of single calls."""

from typing import Final

from trials.model import Trial

ALWAYS: Final = (
    "tests/engine/test_whatever_happens.py::test_every_call_ends_once_and_leaves_nothing_behind"
)
CALLS: Final = (
    Trial(
        number=16,
        name="A key told twice",
        done="The same key with the same instant comes twice; the same key is pressed twice.",
        expected="One digit; two digits.",
        tests=(
            "tests/asterisk/test_hearing.py::test_a_key_told_twice_is_one_key_and_pressed_twice_is_two",
            "tests/asterisk/test_hearing.py::test_a_key_on_another_channel_at_the_same_instant_is_its_own",
            "tests/contract/test_keys.py::test_the_same_key_twice_is_two_keys",
        ),
    ),
    Trial(
        number=17,
        name="Twenty digits in two seconds",
        done="Keys are pressed faster than prompts change.",
        expected="All arrive in order; each is taken by the node that it was meant for, or dropped by one that says so.",
        tests=(
            "tests/contract/test_keys.py::test_keys_typed_across_the_change_of_prompts_all_arrive",
            "tests/live/test_digits.py::test_fast_keys_arrive_in_order_while_prompts_change",
            "tests/engine/test_races.py::test_twenty_keys_in_two_seconds_each_reach_the_node_they_were_meant_for",
            "tests/engine/test_engine.py::test_digits_typed_ahead_are_taken_by_the_nodes_that_ask_and_their_prompts_are_never_begun",
        ),
    ),
    Trial(
        number=18,
        name="A key after the end",
        done="A key is told after the end of its channel.",
        expected="It is ignored, and counted.",
        tests=(
            "tests/asterisk/test_hearing.py::test_a_key_after_the_end_of_its_channel_is_nothing",
            "tests/engine/test_races.py::test_a_key_told_after_the_end_of_a_call_is_counted_and_not_recorded",
            "tests/asterisk/test_hearing.py::test_the_last_word_on_a_channel_is_said_at_most_once_and_no_key_follows",
        ),
    ),
    Trial(
        number=19,
        name="A phone answers before the request to dial it does",
        done="StasisStart of a leg of ours comes before the answer to the originate.",
        expected="It is known by the id that we chose.",
        tests=(
            "tests/asterisk/test_ari.py::test_a_phone_can_be_picked_up_before_the_request_to_dial_it_is_answered",
            "tests/sim/test_faults.py::test_an_event_can_come_before_the_answer_to_its_request",
        ),
    ),
    Trial(
        number=20,
        name="Somebody leaves between the answer and the bridge",
        done="Caller or agent hangs up after the phone was picked up and before both are in the bridge.",
        expected="The other one is not left alone: the flow goes on, or the phone is hung up; no bridge stays.",
        tests=(
            "tests/contract/test_bridging.py::test_of_two_channels_one_is_gone_and_none_is_bridged",
            "tests/engine/test_races.py::test_whoever_leaves_between_the_answer_and_the_bridge_leaves_nobody_alone",
            ALWAYS,
        ),
    ),
    Trial(
        number=21,
        name="The caller hangs up while the agent is rung",
        done="The receiver is put down while the phone rings.",
        expected="The phone stops ringing within 500 ms; the call is closed once.",
        tests=(
            "tests/whole/test_transfer.py::test_when_the_caller_hangs_up_the_phone_stops_ringing",
            "tests/engine/test_engine.py::test_a_caller_who_leaves_while_the_phone_rings_stops_the_ringing",
        ),
    ),
    Trial(
        number=22,
        name="The agent answers as the caller leaves",
        done="Answer and end of ringing cross.",
        expected="Connected or not, never both; nobody alone on a line for longer than 2 s.",
        tests=(
            "tests/whole/test_transfer.py::test_an_answer_that_crosses_the_end_of_ringing_leaves_nobody_alone_on_the_line",
            "tests/engine/test_losses.py::test_a_phone_that_is_picked_up_for_a_call_that_is_over_is_hung_up",
        ),
    ),
    Trial(
        number=23,
        name="Two agents answer one call",
        done="Several phones are rung for one caller, and two are picked up.",
        expected="The first one has the call; the second is told so and is free.",
        missing="a transfer rings one phone; ringing several comes with the queues",
    ),
    Trial(
        number=24,
        name="A prompt without its file",
        done="A prompt is played of which there is no sound.",
        expected="The caller is not held; it is told as not heard; the check of the flows had said so.",
        tests=(
            "tests/contract/test_playing.py::test_a_missing_sound_ends_at_once_and_is_not_completed",
            "tests/engine/test_engine.py::test_a_missing_prompt_gives_the_caller_to_a_person",
        ),
    ),
    Trial(
        number=25,
        name="A channel that leaves without ending",
        done="The channel goes on in the dialplan, or somebody redirects it.",
        expected="The call is closed, nothing more is asked of the channel, nothing leaks.",
        tests=(
            "tests/asterisk/test_hearing.py::test_a_channel_that_goes_on_in_the_dialplan_has_left_alive",
            "tests/asterisk/test_hearing.py::test_a_channel_that_somebody_redirects_has_left_alive",
            "tests/contract/test_hanging_up.py::test_a_channel_sent_to_the_fallback_leaves_alive",
        ),
    ),
    Trial(
        number=26,
        name="Events late and lost",
        done="Up to a tenth of the events is never told, a fifth comes late and out of order (simulated, 200 seeds).",
        expected="Every call ends once, in bounded time.",
        tests=(ALWAYS,),
    ),
    Trial(
        number=27,
        name="Requests that fail",
        done="Up to three in ten requests fail in every way there is (simulated, 200 seeds).",
        expected="Repeated where that is harmless, the flow's exit for it otherwise; every call ends once.",
        tests=(
            ALWAYS,
            "tests/engine/test_engine.py::test_whatever_callers_do_and_the_switch_refuses_every_call_ends_exactly_once",
        ),
    ),
    Trial(
        number=28,
        name="A channel without a sign of life",
        done="A channel is there for a day without an event (simulated).",
        expected="It is reported; it is hung up only if it is ours.",
        tests=(
            "tests/engine/test_strays.py::test_what_leaks_is_found_by_looking_now_and_then",
            "tests/engine/test_strays.py::test_what_nobody_wants_any_more_is_let_go_of",
            "tests/engine/test_comparing.py::test_a_bridge_in_which_another_application_has_somebody_is_not_touched",
        ),
    ),
)
