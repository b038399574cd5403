"""What the dialplan tells of a call later is found by the call's channel."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE INDEX events_missed ON events ((payload -> 'event' ->> 'channel_id')) WHERE kind = 'CallMissed'
    """,
    """
    COMMENT ON INDEX events_missed IS
    'Calls that only the dialplan saw are in streams of their own; this leads from a call to what was told of it later'
    """,
    """
    COMMENT ON COLUMN calls.outcome IS
    'Null while the call lasts; completed, hung_up, transferred, fallback, taken, lost, missed or shed'
    """,
    "COMMENT ON COLUMN calls.brand IS 'The tenant; - for a missed call to a number that no route had'",
)


def upgrade() -> None:
    """Make the index."""
    for statement in STATEMENTS:
        op.execute(statement)
