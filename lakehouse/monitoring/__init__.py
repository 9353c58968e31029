"""What became of what was served."""
