"""The store: a call's journal becomes rows of PostgreSQL, beside the call's way and never in it, and is read back for people."""
