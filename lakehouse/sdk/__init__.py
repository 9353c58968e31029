"""The platform in a notebook or a script: lakes, stages, and what wires them."""
