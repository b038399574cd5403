"""What the engine says of itself: logs without personal data, and metrics with labels from closed sets."""
