"""First tables: calls, their events, the flows they ran on, the numbers vault, and what could not be stored."""

from alembic import op

revision = "0001"
down_revision = None

CALLS = (
    """
    CREATE TABLE calls (
        brand text NOT NULL,
        call_id uuid NOT NULL,
        number_id uuid,
        arrived_at timestamptz NOT NULL,
        answered_at timestamptz,
        ended_at timestamptz,
        last_seq integer NOT NULL CHECK (last_seq > 0),
        did text NOT NULL,
        caller_key text,
        caller_mask text NOT NULL,
        flow text NOT NULL,
        flow_hash text NOT NULL,
        language text NOT NULL,
        phase text NOT NULL,
        node text NOT NULL,
        outcome text,
        PRIMARY KEY (brand, call_id),
        CONSTRAINT calls_call_id UNIQUE (call_id)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX calls_by_time ON calls (arrived_at DESC)",
    "CREATE INDEX calls_by_brand_and_time ON calls (brand, arrived_at DESC)",
    """
    CREATE INDEX calls_by_caller ON calls (brand, caller_key, arrived_at DESC)
    WHERE caller_key IS NOT NULL
    """,
    """
    COMMENT ON TABLE calls IS
    'One row per call: how it stands after the newest of its events that has arrived. Pages are filled to 80 % so that the
    updates of a call stay on its page (no indexed column changes). No foreign keys: rows arrive in the journal''s order,
    and a parked row must not hold up others.'
    """,
    "COMMENT ON COLUMN calls.call_id IS 'UUIDv7; also the stream_id of its events'",
    "COMMENT ON COLUMN calls.last_seq IS 'seq of the event that this row reflects; an older one never overwrites it'",
    "COMMENT ON COLUMN calls.caller_key IS 'Keyed hash of the caller''s number (keyid:hex); null if withheld or forbidden'",
    "COMMENT ON COLUMN calls.caller_mask IS 'The caller''s number for people''s eyes, its middle hidden'",
    "COMMENT ON COLUMN calls.number_id IS 'Entry of the table numbers that holds the number, sealed'",
    "COMMENT ON COLUMN calls.flow_hash IS 'The version in flow_versions on which the call began and ends'",
    "COMMENT ON COLUMN calls.phase IS 'in_flow, dialing, talking, leaving or ended'",
    """
    COMMENT ON COLUMN calls.outcome IS
    'Null while the call lasts; completed, hung_up, transferred, fallback, taken or lost'
    """,
)

EVENTS = (
    """
    CREATE TABLE events (
        stream_id uuid NOT NULL,
        at timestamptz NOT NULL,
        seq integer NOT NULL CHECK (seq > 0),
        stream_kind text NOT NULL,
        brand text NOT NULL,
        kind text NOT NULL,
        payload jsonb NOT NULL,
        PRIMARY KEY (stream_id, seq)
    ) PARTITION BY RANGE (stream_id)
    """,
    "CREATE TABLE events_default PARTITION OF events DEFAULT",
    """
    COMMENT ON TABLE events IS
    'What happened and what was done about it, append-only. A stream (a call, a queue''s day, an agent''s shift, a callback)
    is numbered from 1 without gaps. One partition a month by the instant inside the UUIDv7 stream_id: a stream never
    crosses partitions, and retention drops whole ones.'
    """,
    """
    COMMENT ON TABLE events_default IS
    'Streams whose id carries no instant between 2000 and 2099, which nothing makes: rather here than refused. Empty.'
    """,
    "COMMENT ON COLUMN events.stream_kind IS 'call, floor, shift or callback'",
    "COMMENT ON COLUMN events.at IS 'When it happened, by the engine''s clock'",
    'COMMENT ON COLUMN events.payload IS \'{"event": {fields}, "effects": [[kind, {fields}], ...]}\'',
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'events are append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER never_emptied BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)

MONTHS = (
    """
    CREATE FUNCTION first_uuid(instant timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT CAST(
            lpad(to_hex(CAST(extract(epoch FROM instant) * 1000 AS bigint)), 12, '0') || repeat('0', 20) AS uuid
        )
    $$
    """,
    """
    COMMENT ON FUNCTION first_uuid IS
    'The lowest id that a UUIDv7 made at the instant can have (RFC 9562, 5.7: its first 48 bits are milliseconds)'
    """,
    """
    CREATE FUNCTION make_events_month(instant timestamptz) RETURNS boolean LANGUAGE plpgsql
    SET lock_timeout = '2s' AS $$
    DECLARE
        first_at timestamptz := date_trunc('month', instant, 'UTC');
        next_at timestamptz := date_trunc('month', first_at + interval '32 days', 'UTC');
        name text := 'events_' || to_char(first_at AT TIME ZONE 'UTC', 'YYYY_MM');
    BEGIN
        IF to_regclass(name) IS NOT NULL THEN
            RETURN false;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('make_events_month'));
        IF to_regclass(name) IS NOT NULL THEN
            RETURN false;
        END IF;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
            name, first_uuid(first_at), first_uuid(next_at)
        );
        RETURN true;
    END $$
    """,
    """
    COMMENT ON FUNCTION make_events_month IS
    'Make the partition of the instant''s month (UTC), if it is not there; waits 2 s at most behind a long report'
    """,
    """
    CREATE FUNCTION drop_events_before(instant timestamptz) RETURNS SETOF text LANGUAGE plpgsql
    SET lock_timeout = '2s' AS $$
    DECLARE
        name text;
        first_kept text := 'events_' || to_char(instant AT TIME ZONE 'UTC', 'YYYY_MM');
    BEGIN
        FOR name IN
            SELECT child.relname FROM pg_inherits
            JOIN pg_class child ON child.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = CAST('events' AS regclass)
              AND child.relname ~ '^events_[0-9]{4}_[0-9]{2}$' AND child.relname < first_kept
            ORDER BY child.relname
        LOOP
            EXECUTE format('DROP TABLE %I', name);
            RETURN NEXT name;
        END LOOP;
    END $$
    """,
    """
    COMMENT ON FUNCTION drop_events_before IS
    'Drop the partitions of the months that end before or at the instant, and return their names'
    """,
)

OTHERS = (
    """
    CREATE TABLE flow_versions (
        brand text NOT NULL,
        name text NOT NULL,
        flow_hash text NOT NULL,
        text text NOT NULL,
        loaded_at timestamptz NOT NULL,
        PRIMARY KEY (brand, name, flow_hash)
    )
    """,
    "COMMENT ON TABLE flow_versions IS 'The text of every flow version that was ever loaded, with the first time'",
    """
    CREATE TABLE numbers (
        brand text NOT NULL,
        number_id uuid NOT NULL,
        sealed_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        purpose text NOT NULL,
        key_id text NOT NULL,
        sealed bytea NOT NULL,
        PRIMARY KEY (brand, number_id)
    )
    """,
    "CREATE INDEX numbers_by_expiry ON numbers (expires_at)",
    """
    COMMENT ON TABLE numbers IS
    'The vault: phone numbers, encrypted, each for one purpose and until its expiry; then the row is deleted'
    """,
    "COMMENT ON COLUMN numbers.key_id IS 'The key with which it was sealed; without that key nobody can read it'",
    """
    CREATE TABLE parked_rows (
        digest bytea PRIMARY KEY,
        parked_at timestamptz NOT NULL DEFAULT now(),
        row_kind text NOT NULL,
        sqlstate text NOT NULL,
        sentence text NOT NULL,
        body text NOT NULL
    )
    """,
    """
    COMMENT ON TABLE parked_rows IS
    'Rows that no table takes, so that those behind them need not wait; each once, told apart by the SHA-256 of its body'
    """,
    "COMMENT ON COLUMN parked_rows.body IS 'The row as JSON text in ASCII (jsonb would refuse what is wrong with it)'",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in (*CALLS, *EVENTS, *MONTHS, *OTHERS):
        op.execute(statement)
