"""Trials 29 to 34, 42 and 43: the process, the machine, the database."""

from typing import Final

from trials.model import Trial

PROCESS: Final = (
    Trial(
        number=29,
        name="kill -9 of the engine",
        done="The engine is killed under calls at every kind of place of a flow, and started again on the same data.",
        expected="Within 5 s every living caller goes on where they were; nothing is dialled twice, no prompt is begun anew "
        "more than once; journal and store hold every event once.",
        tests=(
            "tests/whole/test_crash.py::test_after_a_kill_every_living_caller_goes_on_and_no_call_is_left_open",
            "tests/engine/test_recovery.py::test_two_hundred_calls_go_on_together",
        ),
        long_tests=(
            "tests/trials/test_full_size.py::test_the_engine_killed_under_a_hundred_calls",
        ),
    ),
    Trial(
        number=30,
        name="A crash at every point",
        done="The engine dies before the journal's write, after it, after the request and before its answer, at every step of "
        "every example flow (simulated).",
        expected="Each command is seen by the caller at most once, or its repetition is harmless.",
        tests=(
            "tests/engine/test_crash_points.py::test_wherever_the_engine_dies_the_call_goes_on_and_ends_once",
            "tests/engine/test_crash_points.py::test_every_kind_of_effect_is_met",
        ),
    ),
    Trial(
        number=31,
        name="SIGTERM",
        done="The engine is told to stop under calls.",
        expected="No new calls; those in progress end within the limit or are handed over; exit code 0.",
        tests=(
            "tests/whole/test_stopping.py::test_calls_in_progress_are_handed_over_when_the_engine_stops",
            "tests/engine/test_engine.py::test_stopping_waits_for_calls_and_gives_the_rest_to_the_fallback",
            "tests/engine/test_leaving.py::test_who_hands_over_leaves_every_call_as_the_journal_has_it",
            "tests/engine/test_leaving.py::test_what_happens_while_it_leaves_is_for_the_next_engine",
            "tests/whole/test_leaving.py::test_a_restart_that_hands_over_ends_no_call",
        ),
    ),
    Trial(
        number=32,
        name="The clock jumps",
        done="The wall clock moves by an hour either way, or by three days, between two engines under a call (simulated).",
        expected="Waits last as long as they should; no instant goes backwards; no duration is negative.",
        tests=(
            "tests/engine/test_clock.py::test_a_clock_never_goes_backwards_also_after_a_restart_on_a_wall_that_did",
            "tests/engine/test_clock.py::test_waits_are_measured_by_the_loop_whatever_the_wall_says",
            "tests/engine/test_clock.py::test_a_call_goes_on_and_its_instants_rise_when_the_wall_jumps_between_two_engines",
        ),
    ),
    Trial(
        number=33,
        name="A full disk, few file descriptors",
        done="The journal's disk is full; the engine may open 256 files only, and use 1 GB.",
        expected="Calls in progress end in the reserve, new ones go to the fallback; no loop of crashes.",
        tests=(
            "tests/engine/test_journal.py::test_on_a_full_disk_calls_in_progress_end_in_the_reserve_and_no_new_one_begins",
            "tests/engine/test_journal.py::test_a_full_disk_fails_the_step_and_the_next_line_is_whole_again",
            "tests/engine/test_full_disk.py::test_on_a_full_disk_calls_end_new_ones_go_to_people_and_room_brings_all_back",
            "tests/whole/test_bad_input.py::test_with_256_descriptors_and_a_gigabyte_of_memory_it_says_so_and_serves",
        ),
    ),
    Trial(
        number=34,
        name="Half again as much as can be carried",
        done="150 % of the calls per second that are held are offered for a minute.",
        expected="At least 80 % of what is held is still served; the rest is refused early; all is as before a minute later.",
        tests=(
            "tests/live/test_admission.py::test_beyond_the_calls_in_progress_a_caller_hears_so_unanswered_and_is_refused",
            "tests/live/test_admission.py::test_beyond_the_calls_of_a_second_callers_are_refused",
            "tests/live/test_admission.py::test_only_so_many_refusals_are_spoken_at_once",
            "tests/engine/test_admission.py::test_more_strain_never_means_more_calls",
            "tests/engine/test_admission.py::test_calm_brings_all_of_it_back",
        ),
        long_tests=(
            "tests/trials/test_full_size.py::test_half_again_as_many_calls_as_are_held_for_a_minute",
        ),
    ),
    Trial(
        number=42,
        name="PostgreSQL away for a minute",
        done="PostgreSQL is killed for 60 s at 50 calls/s, and the engine in the middle of that.",
        expected="Callers notice nothing of the database; afterwards every event is in the store exactly once.",
        tests=(
            "tests/whole/test_database.py::test_a_database_elsewhere_is_stopped_under_calls_and_started_again",
            "tests/whole/test_database.py::test_the_engine_s_own_database_is_killed_under_calls_and_comes_back",
            "tests/whole/test_faults.py::test_a_database_and_its_engine_killed_lose_no_event",
            "tests/app/test_with_postgres.py::test_a_database_killed_under_calls_loses_no_event_and_doubles_none",
            "tests/store/test_shipper.py::test_an_outage_of_a_minute_loses_nothing_doubles_nothing_and_is_told_once",
        ),
        long_tests=(
            "tests/trials/test_full_size.py::test_postgres_away_for_a_minute_at_fifty_calls_a_second",
            "tests/trials/test_full_size.py::test_postgres_and_the_engine_killed_at_fifty_calls_a_second",
        ),
    ),
    Trial(
        number=43,
        name="PostgreSQL slow, and a fail-over that forgets",
        done="Each answer of PostgreSQL takes 2 s; a new primary lacks the last rows.",
        expected="Calls do not feel it; what was lost is sent again.",
        tests=(
            "tests/store/test_gaps.py::test_rows_that_a_new_primary_has_lost_are_sent_again",
            "tests/store/test_with_journal.py::test_rows_that_a_fail_over_lost_come_back_from_the_kept_segments",
            "tests/whole/test_faults.py::test_a_slow_database_is_missed_by_no_caller",
        ),
        long_tests=("tests/trials/test_full_size.py::test_postgres_slow_at_fifty_calls_a_second",),
    ),
)
