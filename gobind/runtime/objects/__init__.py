"""Objects across the border: Go's in Python, and Python's in Go, which calls back."""
