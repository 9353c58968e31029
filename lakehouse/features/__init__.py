"""Stored views at past moments and now: point-in-time joins, the online store, expressions."""
