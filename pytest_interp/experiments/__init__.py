"""Experiments: written once, above the one primitive. torch is imported when one is called."""

from pytest_interp.deferred import attach
from pytest_interp.experiments.calls import call

__getattr__, __dir__, __all__ = attach(__name__, __file__, through=call)
