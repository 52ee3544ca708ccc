"""Models and backends: their options, the marker `interp` and the fixtures of experiments."""
