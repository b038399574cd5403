"""What ``check`` finds in what was read, before a caller does."""
