"""Online stores: what each must be able to do, and those there are."""
