"""Features of entities at past moments and now: point-in-time joins and the online store."""
