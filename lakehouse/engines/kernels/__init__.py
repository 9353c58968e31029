"""Point-in-time features over Arrow tables, the same kernels whatever engine feeds them."""
