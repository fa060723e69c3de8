"""Objects passed by handle: Go's in Python, and Python's in Go, which calls back."""
