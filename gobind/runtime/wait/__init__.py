"""Asynchronous calls: event loops, waiting threads, the ring."""
