"""The online store in Redis, asked by plain commands."""
