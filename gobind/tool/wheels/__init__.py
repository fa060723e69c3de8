"""Wheels and sdists of projects that carry a Go library."""
