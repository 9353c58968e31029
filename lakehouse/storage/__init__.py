"""Where a lake's tables lie, by one small set of verbs; below every engine."""
