"""The door to Asterisk: its events come in as core events, the engine's requests go out as ARI requests."""
