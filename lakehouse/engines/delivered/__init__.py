"""Delivered files as text rows, the same for every engine: CSV, JSON lines and Parquet."""
