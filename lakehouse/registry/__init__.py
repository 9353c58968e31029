"""Model versions: registered with their pins, gated, released, promoted and reproduced."""
