"""Models whose mechanism is known, because it was written into their weights.

They are the ground truth on which lenses, traces and claims are calibrated, and a fast model for
tests that need no download.
"""

from pytest_interp.planted.build import PlantedModel, planted_model
from pytest_interp.planted.circuit_truth import CircuitTruth
from pytest_interp.planted.circuits import CircuitModel
from pytest_interp.planted.induction import planted_induction_model
from pytest_interp.planted.ioi import planted_ioi_model
from pytest_interp.planted.mechanism import Cell, Mechanism
from pytest_interp.planted.told import ToldModel, planted_told_model
from pytest_interp.planted.told_truth import PlantedDirection, ToldTruth
from pytest_interp.planted.told_variants import TOLD_VARIANTS, ToldParameters, ToldVariant
from pytest_interp.planted.truth import SITES, Truth
from pytest_interp.planted.two_step import planted_two_step_model
from pytest_interp.planted.variants import VARIANTS, Parameters, Variant

__all__ = [
    "SITES",
    "TOLD_VARIANTS",
    "VARIANTS",
    "Cell",
    "CircuitModel",
    "CircuitTruth",
    "Mechanism",
    "Parameters",
    "PlantedDirection",
    "PlantedModel",
    "ToldModel",
    "ToldParameters",
    "ToldTruth",
    "ToldVariant",
    "Truth",
    "Variant",
    "planted_induction_model",
    "planted_ioi_model",
    "planted_model",
    "planted_told_model",
    "planted_two_step_model",
]
