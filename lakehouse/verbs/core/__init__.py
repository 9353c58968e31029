"""What a verb is made of: its parameters, what it is handed, and what it answers."""
