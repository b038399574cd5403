"""The decision core: what happened (events), what is to be done (effects), and the call between them; no I/O, no clock."""
