"""What a signal handler's exception cannot fall into: ownership, entry, contexts."""
