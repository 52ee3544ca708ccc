"""A run of spec files, in this process."""

# pytester forgets the modules that a run imports, and torch cannot be imported twice: they are
# here before the first run
import pytest_interp.adapters.nnsight
import pytest_interp.adapters.transformer_lens
import pytest_interp.figures.render
import pytest_interp.report.terminal
import pytest_interp.specs.running
import pytest_interp.stats  # noqa: F401

# an experiment that runs at once, with names of results that could collide, and broken ones
CONFTEST = """
from dataclasses import dataclass
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.provenance import Provenance
from pytest_interp.results import Result

@dataclass(frozen=True)
class Numbers(Result):
    provenance: Provenance
    norm: float = 1.0
    norm_2: float = 5.0
    baseline: float = 5.0
    spec: float = 5.0
    pytestmark: float = 5.0
    def to_json(self): return {"norm": self.norm}
    def tolerances(self): return {}

@register_experiment("numbers")
@dataclass
class MakeNumbers:
    x: int = 1
    def run(self, adapter) -> Numbers: return Numbers(adapter.provenance())

@register_experiment("refusing")
@dataclass
class Refusing:
    x: int
    def __post_init__(self): raise KeyError("what is this")
    def run(self, adapter): ...

@register_experiment("unreadable")
@dataclass
class Unreadable:
    x: object()
    def run(self, adapter): ...
"""


def run(project, *arguments):
    """In this process, for the sake of time."""
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-v", *arguments)
