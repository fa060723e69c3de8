"""Calls that nobody waits for inside Go: event loops, waiting threads, the ring."""
