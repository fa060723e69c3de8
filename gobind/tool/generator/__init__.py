"""Writes the Go glue of a contract."""
