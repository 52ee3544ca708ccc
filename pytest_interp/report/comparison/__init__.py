"""Two runs of the same specs, on two checkpoints: which claims survive, break or drift."""
