"""Training sets, fits, and how a fitted model is told: as ONNX, in figures, in pictures."""
