"""What states every meaning once and holds all engines, stores and domains to it."""
