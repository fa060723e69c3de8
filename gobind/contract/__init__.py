"""Contracts: decorators and annotations, the type tree, its canonical text, validation."""
