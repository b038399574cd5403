"""The node types, one file each: what may be written in YAML, and what the node does at every turn."""
