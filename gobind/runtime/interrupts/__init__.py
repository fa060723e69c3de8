"""Code that a signal handler's exception cannot cut in two: ownership, entry, contexts."""
