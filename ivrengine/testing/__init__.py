"""Calls in a world of their own: the production engine and real flows, simulated people, virtual time; for tests of flows."""
