"""What an online store keeps: rows of fixed slots, their numbers, and the keys of entities."""
