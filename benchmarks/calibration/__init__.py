"""Calibration: every assertion on models whose mechanism is known.

Each planted model is traced under both backends, and each assertion is asked claims that its
truth table makes true and claims that it makes false: another layer, position, site or direction,
a fact that the model does not know, shuffled weights. A true claim must pass; a false one must
fail, be inconclusive, or be refused.

    python -m benchmarks.calibration

Claims about labelled prompts are asked of the planted models that know what they were told
(``--only told``). There a true claim may also be inconclusive, which is counted apart: intervals
over groups of prompts have a width, and classes may not overlap enough to be matched.

Claims about heads, ablations, attention, paths and circuits are asked of the planted circuits
(``--only circuits``), with the same counts.
"""

from benchmarks.calibration.grid import (
    CIRCUIT_MODELS,
    MODELS,
    TOLD_MODELS,
    calibrate,
    calibrate_circuits,
    calibrate_told,
)
from benchmarks.calibration.table import table

__all__ = [
    "CIRCUIT_MODELS",
    "MODELS",
    "TOLD_MODELS",
    "calibrate",
    "calibrate_circuits",
    "calibrate_told",
    "table",
]
