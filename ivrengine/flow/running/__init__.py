"""The fold that runs a flow: one event into one call, and what is to be done then."""
