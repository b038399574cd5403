"""The SQL with which the shipper writes and checks: constants with parameters, nothing is put together at run time.

Every writing statement can be repeated without changing anything: rows are sent again after each doubt.
"""

from typing import Final

CLASHES: Final = """
SELECT sent.place
FROM unnest(
    $1::uuid[], $2::timestamptz[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::jsonb[]
) WITH ORDINALITY AS sent (stream_id, at, seq, stream_kind, brand, kind, payload, place)
JOIN events AS held ON held.stream_id = sent.stream_id AND held.seq = sent.seq
WHERE (held.at, held.stream_kind, held.brand, held.kind, held.payload)
    IS DISTINCT FROM (sent.at, sent.stream_kind, sent.brand, sent.kind, sent.payload)
"""
FLOWS: Final = """
INSERT INTO flow_versions (brand, name, flow_hash, text, loaded_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (brand, name, flow_hash) DO UPDATE SET loaded_at = excluded.loaded_at
WHERE excluded.loaded_at < flow_versions.loaded_at
"""
STEPS: Final = """
WITH new_calls AS (
    INSERT INTO calls (
        brand, call_id, number_id, arrived_at, answered_at, ended_at, last_seq, did,
        caller_key, caller_mask, flow, flow_hash, language, phase, node, outcome
    )
    SELECT * FROM unnest(
        $8::text[], $9::uuid[], $10::uuid[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::integer[],
        $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[]
    )
    ON CONFLICT (brand, call_id) DO UPDATE SET
        number_id = excluded.number_id, arrived_at = excluded.arrived_at, answered_at = excluded.answered_at,
        ended_at = excluded.ended_at, last_seq = excluded.last_seq, did = excluded.did,
        caller_key = excluded.caller_key, caller_mask = excluded.caller_mask, flow = excluded.flow,
        flow_hash = excluded.flow_hash, language = excluded.language, phase = excluded.phase,
        node = excluded.node, outcome = excluded.outcome
    WHERE calls.last_seq < excluded.last_seq
),
new_numbers AS (
    INSERT INTO numbers (brand, number_id, sealed_at, expires_at, purpose, key_id, sealed)
    SELECT sent.* FROM unnest(
        $24::text[], $25::uuid[], $26::timestamptz[], $27::timestamptz[], $28::text[], $29::text[], $30::bytea[]
    ) AS sent (brand, number_id, sealed_at, expires_at, purpose, key_id, sealed)
    WHERE sent.expires_at > now()
    ON CONFLICT DO NOTHING
)
INSERT INTO events (stream_id, at, seq, stream_kind, brand, kind, payload)
SELECT * FROM unnest(
    $1::uuid[], $2::timestamptz[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::jsonb[]
)
ON CONFLICT DO NOTHING
"""
"""Events with their calls and numbers, in one round trip and a transaction of its own; the result counts the events."""
MESSAGES: Final = """
INSERT INTO messages (
    call_id, seq, index, brand, caller_key, created_at, message_id, kind, number_id, text, language
)
SELECT * FROM unnest(
    $1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[],
    $7::text[], $8::text[], $9::uuid[], $10::text[], $11::text[]
)
ON CONFLICT DO NOTHING
"""
ATTRIBUTES: Final = """
INSERT INTO call_attributes (call_id, seq, index, brand, caller_key, at, name, value)
SELECT * FROM unnest(
    $1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::jsonb[]
)
ON CONFLICT DO NOTHING
"""
ANSWERS: Final = """
INSERT INTO survey_answers (
    call_id, seq, index, brand, caller_key, at, survey, question, scale, low, high, score
)
SELECT * FROM unnest(
    $1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[],
    $7::text[], $8::text[], $9::text[], $10::smallint[], $11::smallint[], $12::smallint[]
)
ON CONFLICT DO NOTHING
"""
RECORDINGS: Final = """
INSERT INTO recordings (
    call_id, seq, index, brand, caller_key, at, recording_id, kind, retention, duration_s, media
)
SELECT * FROM unnest(
    $1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[],
    $7::text[], $8::text[], $9::text[], $10::double precision[], $11::text[]
)
ON CONFLICT DO NOTHING
"""
PARK: Final = """
INSERT INTO parked_rows (digest, row_kind, sqlstate, sentence, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
FIRST_LOST_EVENTS: Final = """
SELECT min(sent.slice)
FROM unnest($1::integer[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[])
    AS sent (slice, stream_id, lowest, highest, rows)
WHERE sent.rows > (
    SELECT count(*) FROM events AS held
    WHERE held.stream_id = sent.stream_id AND held.seq BETWEEN sent.lowest AND sent.highest
)
"""
FIRST_LOST_NUMBERS: Final = """
SELECT min(sent.slice)
FROM unnest($1::integer[], $2::text[], $3::uuid[], $4::timestamptz[]) AS sent (slice, brand, number_id, expires_at)
WHERE sent.expires_at > now() AND NOT EXISTS (
    SELECT FROM numbers AS held WHERE held.brand = sent.brand AND held.number_id = sent.number_id
)
"""
FIRST_LOST_FLOWS: Final = """
SELECT min(sent.slice)
FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[]) AS sent (slice, brand, name, flow_hash)
WHERE NOT EXISTS (
    SELECT FROM flow_versions AS held
    WHERE held.brand = sent.brand AND held.name = sent.name AND held.flow_hash = sent.flow_hash
)
"""
FIRST_LOST_KEPT: Final = """
SELECT min(sent.slice)
FROM unnest($1::integer[], $2::text[], $3::uuid[], $4::integer[], $5::integer[])
    AS sent (slice, table_name, call_id, seq, index)
WHERE NOT EXISTS (
    SELECT FROM messages AS held WHERE sent.table_name = 'messages'
    AND (held.call_id, held.seq, held.index) = (sent.call_id, sent.seq, sent.index)
) AND NOT EXISTS (
    SELECT FROM call_attributes AS held WHERE sent.table_name = 'call_attributes'
    AND (held.call_id, held.seq, held.index) = (sent.call_id, sent.seq, sent.index)
) AND NOT EXISTS (
    SELECT FROM survey_answers AS held WHERE sent.table_name = 'survey_answers'
    AND (held.call_id, held.seq, held.index) = (sent.call_id, sent.seq, sent.index)
) AND NOT EXISTS (
    SELECT FROM recordings AS held WHERE sent.table_name = 'recordings'
    AND (held.call_id, held.seq, held.index) = (sent.call_id, sent.seq, sent.index)
)
"""
MAKE_MONTH: Final = "SELECT make_events_month($1)"
