"""Portable SQL: the part of Spark SQL that means one thing on every engine."""
