"""Builds a library from the glue: the toolchain, go.mod, the cache."""
