"""The verbs of the platform, one file each: what commands and jobs are made from."""
