"""The simulator: a switch in this process with people around it, for tests (virtual time) and the demo (real time)."""
