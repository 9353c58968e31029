"""The online store in one SQLite file."""
