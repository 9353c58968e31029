"""One thin script a verb: what a scheduler or spark-submit starts."""
