"""Trials of reliability: `python -m trials` runs them and writes docs/reliability.md."""
