"""Use cases, one folder each, and the Feast repository made of them."""
