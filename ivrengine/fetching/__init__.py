"""The door to other systems, over HTTP."""
