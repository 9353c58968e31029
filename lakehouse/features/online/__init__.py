"""The online store: an entity's rows by view and time, read at the moment of asking."""
