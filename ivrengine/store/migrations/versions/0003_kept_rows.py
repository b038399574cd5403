"""What flows keep beside their events: text messages to be sent, answers to surveys, notes on calls, and recordings."""

from alembic import op

revision = "0003"
down_revision = "0002"

MESSAGES = (
    """
    CREATE TABLE messages (
        brand text NOT NULL,
        call_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        sent_at timestamptz,
        seq integer NOT NULL CHECK (seq > 0),
        index integer NOT NULL CHECK (index >= 0),
        attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        number_id uuid NOT NULL,
        message_id text NOT NULL UNIQUE,
        caller_key text,
        kind text NOT NULL,
        language text NOT NULL,
        text text NOT NULL,
        status text NOT NULL DEFAULT 'queued',
        PRIMARY KEY (call_id, seq, index)
    )
    """,
    "CREATE INDEX messages_queued ON messages (created_at) WHERE status = 'queued'",
    "CREATE INDEX messages_by_brand_and_time ON messages (brand, created_at DESC)",
    """
    COMMENT ON TABLE messages IS
    'The outbox: text messages that calls asked for. A row is written once, as queued; what becomes of it, a gateway notes
    in status, attempts and sent_at, which a row that is sent again from the journal never resets.'
    """,
    "COMMENT ON COLUMN messages.index IS 'Place of the effect among those of the event (call_id, seq), from 0'",
    "COMMENT ON COLUMN messages.created_at IS 'When the call asked for it, by the engine''s clock'",
    "COMMENT ON COLUMN messages.number_id IS 'Entry of the table numbers that holds the number, sealed; never the number'",
    "COMMENT ON COLUMN messages.message_id IS 'Made from the call; the key by which a gateway sends it once'",
    "COMMENT ON COLUMN messages.kind IS 'sms'",
    "COMMENT ON COLUMN messages.status IS 'queued; further ones are the gateway''s'",
    "COMMENT ON COLUMN messages.attempts IS 'How often a gateway tried'",
)

ANSWERS = (
    """
    CREATE TABLE survey_answers (
        brand text NOT NULL,
        call_id uuid NOT NULL,
        at timestamptz NOT NULL,
        seq integer NOT NULL CHECK (seq > 0),
        index integer NOT NULL CHECK (index >= 0),
        low smallint NOT NULL,
        high smallint NOT NULL,
        score smallint CHECK (score BETWEEN low AND high),
        caller_key text,
        survey text NOT NULL,
        question text NOT NULL,
        scale text NOT NULL,
        PRIMARY KEY (call_id, seq, index)
    )
    """,
    """
    CREATE INDEX survey_answers_by_caller ON survey_answers (brand, survey, caller_key, at DESC)
    WHERE caller_key IS NOT NULL
    """,
    "CREATE INDEX survey_answers_by_time ON survey_answers (brand, survey, at DESC)",
    """
    COMMENT ON TABLE survey_answers IS
    'What was asked and answered in surveys. A question that is put leaves a row without score, its answer another one with
    it: who hangs up on a question was asked all the same. The view survey_results has one row for each question put.'
    """,
    "COMMENT ON COLUMN survey_answers.scale IS 'nps (0-10), csat (1-5), ces (1-7) or free'",
    "COMMENT ON COLUMN survey_answers.score IS 'Null: the question was put'",
    "COMMENT ON COLUMN survey_answers.caller_key IS 'As in calls; null if withheld or forbidden'",
    """
    CREATE VIEW survey_results AS
    SELECT brand, call_id, survey, question, min(at) AS asked_at, max(at) FILTER (WHERE score IS NOT NULL) AS answered_at,
        (array_agg(score ORDER BY seq DESC, index DESC) FILTER (WHERE score IS NOT NULL))[1] AS score,
        max(scale) AS scale, min(low) AS low, max(high) AS high, max(caller_key) AS caller_key
    FROM survey_answers GROUP BY brand, call_id, survey, question
    """,
    """
    COMMENT ON VIEW survey_results IS
    'One row for each question that was put in a call, with the last answer; score is null if there was none'
    """,
)

ATTRIBUTES = (
    """
    CREATE TABLE call_attributes (
        brand text NOT NULL,
        call_id uuid NOT NULL,
        at timestamptz NOT NULL,
        seq integer NOT NULL CHECK (seq > 0),
        index integer NOT NULL CHECK (index >= 0),
        caller_key text,
        name text NOT NULL,
        value jsonb NOT NULL,
        PRIMARY KEY (call_id, seq, index)
    )
    """,
    "CREATE INDEX call_attributes_by_name ON call_attributes (brand, name, at DESC)",
    """
    COMMENT ON TABLE call_attributes IS
    'Notes of flows on their calls, each as it was made; of several with one name the one with the highest (seq, index) holds'
    """,
    "COMMENT ON COLUMN call_attributes.value IS 'A text, a number, or true or false'",
)

RECORDINGS = (
    """
    CREATE TABLE recordings (
        brand text NOT NULL,
        call_id uuid NOT NULL,
        at timestamptz NOT NULL,
        duration_s double precision NOT NULL CHECK (duration_s >= 0),
        seq integer NOT NULL CHECK (seq > 0),
        index integer NOT NULL CHECK (index >= 0),
        recording_id text NOT NULL,
        caller_key text,
        kind text NOT NULL,
        retention text NOT NULL,
        media text NOT NULL,
        PRIMARY KEY (call_id, seq, index)
    )
    """,
    "CREATE INDEX recordings_by_id ON recordings (recording_id)",
    "CREATE INDEX recordings_by_retention ON recordings (retention, at)",
    """
    CREATE INDEX recordings_by_caller ON recordings (brand, caller_key, at DESC) WHERE caller_key IS NOT NULL
    """,
    "COMMENT ON TABLE recordings IS 'Recordings that are stored: of which call and caller, and how long they may stay'",
    "COMMENT ON COLUMN recordings.at IS 'When it was known to be stored: about its end'",
    "COMMENT ON COLUMN recordings.kind IS 'voicemail or call'",
    "COMMENT ON COLUMN recordings.retention IS 'Name of the class that says how long it may stay'",
    "COMMENT ON COLUMN recordings.media IS 'Its name where recordings are stored'",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in (*MESSAGES, *ANSWERS, *ATTRIBUTES, *RECORDINGS):
        op.execute(statement)
