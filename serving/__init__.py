"""The service: features and decisions over HTTP, from releases and the online store."""
