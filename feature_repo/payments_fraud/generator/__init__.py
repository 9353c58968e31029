"""Card payments generated from a published specification, and delivered as files."""
