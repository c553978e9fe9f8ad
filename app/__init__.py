"""Reelgate: a self-hosted gateway for AI video."""

#: The version of the program, read from here by everything that says it, packaging included.
__version__ = "0.1.0"
