"""Which flows an engine takes calls by, while it runs: the active release of the store, or a folder that is being worked on."""
