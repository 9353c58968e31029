"""Features at the moment of asking, from what an online store keeps."""
