"""The tables' history: one file for each version, run by Alembic through ``schema.migrate``."""
