"""Phone numbers: written one way, shown masked, kept sealed; the step between a door and the first event of a call."""
