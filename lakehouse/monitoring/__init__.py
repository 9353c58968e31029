"""Checks of what the lake holds and of what became of what was served, in one results table."""
