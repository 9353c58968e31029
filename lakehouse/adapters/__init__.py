"""Other libraries behind their own surfaces: MLflow, Feast, pandera."""
