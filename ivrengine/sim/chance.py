"""Randomness by seed: all that the simulator leaves to chance comes from here, the same again from the same seed."""

import random


def source(seed: int, purpose: str) -> random.Random:
    """Return the random source for one purpose: more draws for one leave the others as they were."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311 - plays dice, keeps no secrets
