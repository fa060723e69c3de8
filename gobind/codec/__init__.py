"""The codec: values of Python to frames and back. Imports `gobind.layout` and before; knows nothing of calls."""
