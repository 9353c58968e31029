"""The zones a row passes: raw, cleaned (with quarantine and what was set aside), curated."""
