"""The version of gobind, in the one place where it is written; setup.cfg reads it from the text."""

__version__ = "0.1.0"
