"""Rows of tables and of streams on their way into an online store."""
