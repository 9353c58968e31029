"""What happened in a lake: its folders, deliveries, runs, versions, tags and models."""
