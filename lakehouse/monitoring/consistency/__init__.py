"""Whether what was served is what the history of the lake says."""
