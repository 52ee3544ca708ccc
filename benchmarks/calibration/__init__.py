"""Calibration: every assertion on models whose mechanism is known.

Each planted model is traced under both backends, and each assertion is asked claims that its
truth table makes true and claims that it makes false: another layer, position, site or direction,
a fact that the model does not know, shuffled weights. A true claim must pass; a false one must
fail, be inconclusive, or be refused.

    python -m benchmarks.calibration
"""

from benchmarks.calibration.grid import MODELS, calibrate
from benchmarks.calibration.table import table

__all__ = ["MODELS", "calibrate", "table"]
