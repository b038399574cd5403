"""Trials 1 to 15: what can happen between the engine and Asterisk."""

from typing import Final

from trials.model import Trial

TRANSPORT: Final = (
    Trial(
        number=1,
        name="The event socket drops in mid-menu",
        done="The cable between the engine and ARI is cut under callers in a menu and mended after some seconds.",
        expected="Callers stay up; the question is asked again within 2 s of the reconnection, once; digits pressed in the gap "
        "are asked for again; new callers are served.",
        tests=(
            "tests/whole/test_link.py::test_calls_outlive_a_cut_of_the_link_and_new_ones_are_served_after_it",
            "tests/asterisk/test_real_link.py::test_a_caller_outlives_a_broken_link",
            "tests/engine/test_recovery.py::test_a_caller_in_a_menu_hears_it_again_and_goes_on",
            "tests/engine/test_recovery.py::test_keys_pressed_while_nobody_listened_are_lost",
        ),
        long_tests=("tests/trials/test_full_size.py::test_the_cable_cut_under_a_hundred_calls",),
    ),
    Trial(
        number=2,
        name="A caller hangs up while the socket is down",
        done="As 1, and the caller puts the receiver down in the gap.",
        expected="The call is closed from its absence in the list of channels; nothing is asked of Asterisk about it afterwards.",
        tests=(
            "tests/engine/test_losses.py::test_who_hung_up_while_the_link_was_down_is_found_out_when_it_is_back",
            "tests/engine/test_losses.py::test_a_talk_that_ended_while_the_link_was_down_is_closed_when_it_is_back",
            "tests/engine/test_recovery.py::test_whoever_hung_up_meanwhile_is_closed_with_the_true_reason",
        ),
    ),
    Trial(
        number=3,
        name="The socket drops while a phone is being dialled",
        done="The event socket breaks between the request to dial and the answer of the phone.",
        expected="A channel that died unheard counts as one attempt that failed: not lost, not doubled.",
        tests=(
            "tests/sim/test_phones.py::test_who_picks_up_while_nobody_listens_is_cut_off",
            "tests/asterisk/test_ari.py::test_a_phone_is_never_dialled_twice",
            "tests/engine/test_recovery.py::test_a_phone_picked_up_while_nobody_listened_is_put_through_or_let_go_of",
        ),
    ),
    Trial(
        number=4,
        name="A half-open socket",
        done="The cable passes nothing on any more, and tells nobody.",
        expected="The heartbeat notices within 15 s and connects anew.",
        tests=(
            "tests/asterisk/test_link.py::test_a_half_open_socket_is_noticed_by_the_heartbeat",
            "tests/whole/test_faults.py::test_a_half_open_link_is_noticed_and_when_it_is_back_callers_go_on",
        ),
        long_tests=(
            "tests/trials/test_full_size.py::test_the_cable_half_open_under_a_hundred_calls",
        ),
    ),
    Trial(
        number=5,
        name="Asterisk keeps its connections open and answers nothing",
        done="Requests are taken and not answered.",
        expected="Each request ends by its own limit of 3 s; those in flight are bounded; new callers reach the fallback.",
        tests=(
            "tests/asterisk/test_wire.py::test_a_request_ends_by_its_own_limit",
            "tests/asterisk/test_wire.py::test_more_requests_than_can_be_answered_are_refused_at_once",
            "tests/engine/test_engine.py::test_a_switch_that_refuses_everything_ends_every_call_in_bounded_time",
            "tests/whole/test_faults.py::test_a_half_open_link_is_noticed_and_when_it_is_back_callers_go_on",
        ),
    ),
    Trial(
        number=6,
        name="ARI is deadlocked",
        done="The list of applications hangs, while a ping is answered (asterisk issue 2170).",
        expected="Health is red within 10 s and names the cause; callers go on by requests.",
        tests=(
            "tests/asterisk/test_health.py::test_a_deadlocked_ari_is_unhealthy_and_the_link_stays",
            "tests/asterisk/test_health.py::test_the_health_check_asks_for_the_application_and_never_pings",
            "tests/telemetry/test_watching.py::test_readiness_names_each_dependency_with_its_reason",
        ),
    ),
    Trial(
        number=7,
        name="The engine hangs for 10 s under calls",
        done="The engine is stopped with SIGSTOP under calls, for 10 s and for 30 s, and let go on.",
        expected="Callers go on; a new caller reaches the fallback once the heartbeat is older than its limit; no call is lost.",
        tests=(
            "tests/whole/test_faults.py::test_an_engine_that_hung_goes_on_and_new_callers_reached_the_fallback",
        ),
        long_tests=(
            "tests/trials/test_full_size.py::test_the_engine_stopped_under_a_hundred_calls",
        ),
    ),
    Trial(
        number=8,
        name="More requests than Asterisk has sessions",
        done="The engine is given more to ask at once than Asterisk's sessionlimit.",
        expected="Its pool stays below; a lost answer is asked for again where that is harmless, and else looked for first.",
        tests=(
            "tests/asterisk/test_fits.py::test_three_engines_and_a_person_fit_into_asterisk_s_session_limit",
            "tests/asterisk/test_wire.py::test_connections_are_at_most_32_with_a_keep_alive_below_that_of_asterisk",
            "tests/asterisk/test_wire.py::test_a_post_is_sent_once_and_a_get_twice_when_the_answer_is_lost",
            "tests/asterisk/test_ari.py::test_a_lost_answer_is_looked_for_before_the_command_is_repeated",
        ),
    ),
    Trial(
        number=9,
        name="An idle connection is closed as a prompt is sent",
        done="The answer to a POST of a prompt is lost: it arrived, it did not arrive, it is over already.",
        expected="The prompt plays exactly once.",
        tests=(
            "tests/asterisk/test_fits.py::test_we_close_idle_connections_before_asterisk_does",
            "tests/asterisk/test_ari.py::test_a_prompt_whose_answer_was_lost_plays_once",
            "tests/asterisk/test_ari.py::test_a_prompt_that_never_arrived_is_sent_again",
            "tests/asterisk/test_ari.py::test_a_prompt_that_ended_before_its_answer_was_missed_is_not_sent_again",
        ),
    ),
    Trial(
        number=10,
        name="A command that blocks in front of others",
        done="An answer on a channel that is stuck, with fifty commands behind it.",
        expected="The others do not wait for it; its own limit ends it.",
        tests=(
            "tests/asterisk/test_lane.py::test_what_stands_behind_a_held_up_command_moves_to_http_and_no_other_lane_notices",
            "tests/asterisk/test_lane.py::test_a_held_up_lane_is_used_again_when_its_overdue_answer_has_come",
            "tests/asterisk/test_lane.py::test_an_answer_that_never_comes_is_looked_for_before_anything_is_repeated",
        ),
    ),
    Trial(
        number=11,
        name="A second engine takes the application over",
        done="Another connection opens the same application.",
        expected="The first engine stops asking for anything at once and never fights; one engine acts for each call.",
        tests=(
            "tests/asterisk/test_link.py::test_an_application_taken_over_is_reported_and_never_fought_for",
            "tests/asterisk/test_real_link.py::test_two_engines_of_one_application_do_not_fight",
        ),
    ),
    Trial(
        number=12,
        name="Two engines start at the same instant",
        done="Two engines with the same application and store are started at once.",
        expected="One serves, the other stands by; no call is handled twice.",
        tests=(
            "tests/asterisk/test_lease.py::test_of_engines_that_start_at_the_same_instant_one_gets_it",
            "tests/asterisk/test_lease.py::test_a_living_engine_is_waited_for_whatever_its_clock_says",
            "tests/asterisk/test_lease.py::test_no_event_socket_is_opened_while_another_engine_lives",
            "tests/app/test_with_postgres.py::test_a_second_engine_on_the_same_data_is_refused",
            "tests/whole/test_leaving.py::test_a_standby_takes_over_the_moment_the_engine_dies",
            "tests/whole/test_leaving.py::test_of_two_engines_that_know_nothing_of_each_other_one_waits_for_the_other",
        ),
    ),
    Trial(
        number=13,
        name="Asterisk restarts",
        done="Asterisk is killed under calls at every kind of place and started again: the only one, and one of two nodes.",
        expected="Every call is closed once, with the reason pbx_restart; new calls are served; calls of another node do not "
        "notice (no key lost, none heard more than 50 ms later than usual).",
        tests=(
            "tests/asterisk/test_link.py::test_an_asterisk_that_restarts_is_found_again",
            "tests/whole/test_faults.py::test_a_killed_asterisk_closes_its_calls_and_serves_new_ones",
            "tests/whole/test_nodes.py::test_when_a_node_dies_the_calls_of_the_other_do_not_notice",
            "tests/engine/test_recovery.py::test_a_restart_of_the_switch_ends_its_calls_with_that_reason",
        ),
        long_tests=("tests/trials/test_full_size.py::test_asterisk_killed_under_a_hundred_calls",),
    ),
    Trial(
        number=14,
        name="Nobody serves the application for half a minute",
        done="Calls come while no engine is connected.",
        expected="They hear the apology and reach a person; afterwards they are in the store as calls of the fallback.",
        tests=(
            "tests/live/test_fallback.py::test_without_an_engine_a_caller_hears_the_apology_and_reaches_a_person",
            "tests/live/test_fallback.py::test_with_nobody_there_a_caller_is_told_so_and_let_go",
            "tests/live/test_fallback.py::test_an_engine_that_goes_away_leaves_new_callers_to_the_fallback",
            "tests/engine/test_missed.py::test_a_missed_call_is_an_event_and_a_call_of_the_list",
            "tests/engine/test_missed.py::test_told_twice_and_by_another_engine_it_is_the_same_rows",
            "tests/asterisk/test_missed.py::test_no_crash_loses_a_call",
            "tests/live/test_missed.py::test_a_caller_who_gives_up_in_the_queue",
            "tests/live/test_missed.py::test_a_waiting_caller_comes_back_to_the_engine_with_the_time_since_when_they_wait",
            "tests/whole/test_away.py::test_one_who_gave_up_in_the_fallback_is_recorded_once_whoever_dies",
            "tests/whole/test_away.py::test_callers_of_an_absent_engine_are_taken_back_by_the_next_one",
        ),
    ),
    Trial(
        number=15,
        name="Answers that an event filter swallows",
        done="A filter is set without RESTResponse, so that a request over the event socket is never answered.",
        expected="The proof at each connect notices; everything goes over HTTP, and the log says so; nothing hangs.",
        tests=(
            "tests/asterisk/test_lane.py::test_an_asterisk_that_does_not_answer_there_is_served_over_http",
            "tests/asterisk/test_real_link.py::test_the_filter_lets_through_what_we_want_and_nothing_else",
        ),
    ),
)
