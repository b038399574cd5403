"""Releases of flows, each a whole folder by the hash of its content, and which of them was put into service when."""

from alembic import op

revision = "0004"
down_revision = "0003"

RELEASES = (
    """
    CREATE TABLE release_files (
        content_hash text NOT NULL,
        piece int NOT NULL,
        content bytea NOT NULL,
        PRIMARY KEY (content_hash, piece)
    )
    """,
    "COMMENT ON TABLE release_files IS 'Files of releases, each content once, in pieces; content_hash is its hex SHA-256'",
    """
    CREATE TABLE releases (
        release_hash text PRIMARY KEY,
        made_at timestamptz NOT NULL,
        files jsonb NOT NULL
    )
    """,
    """
    COMMENT ON TABLE releases IS
    'Folders of flows as a whole. release_hash covers the paths and contents, so that one folder is one release'
    """,
    "COMMENT ON COLUMN releases.files IS '{path within the folder: content_hash}'",
    """
    CREATE TABLE activations (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        activated_at timestamptz NOT NULL,
        forced boolean NOT NULL,
        release_hash text NOT NULL REFERENCES releases,
        activated_by text NOT NULL,
        note text NOT NULL,
        unmet jsonb NOT NULL
    )
    """,
    """
    COMMENT ON TABLE activations IS
    'Which release was put into service when, by whom and why; the one with the highest number is active'
    """,
    "COMMENT ON COLUMN activations.forced IS 'Whether it was put into service although something was unmet'",
    "COMMENT ON COLUMN activations.unmet IS 'Sentences: errors of check, and scripted calls that failed'",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in RELEASES:
        op.execute(statement)
