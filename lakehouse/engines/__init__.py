"""The engines that carry out the platform's verbs, found by entry point and loaded by name."""
