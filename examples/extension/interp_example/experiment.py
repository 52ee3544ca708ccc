"""An experiment with a result type of its own: how long the residual stream is at each layer."""

from dataclasses import dataclass

from pytest_interp.experiments.registry import register_experiment
from pytest_interp.provenance import Provenance
from pytest_interp.results import Axis, Result
from pytest_interp.results.tolerances import float_tolerance


@dataclass(frozen=True)
class Norms(Result):
    """Lengths of the residual stream [layer] at one position."""

    norms: tuple[float, ...]
    provenance: Provenance

    @property
    def growth(self) -> float:
        """The last length as a multiple of the first."""
        return self.norms[-1] / self.norms[0]

    def to_json(self):
        return {
            "kind": "residual_norms",
            "norms": [round(norm, 5) for norm in self.norms],
            "layers": list(range(len(self.norms))),
        }

    def tolerances(self):
        return {"norms": float_tolerance(self.provenance.dtype)}

    def axes(self):
        return {"norms": (Axis("layer", "layers"),)}

    def summary(self):
        return f"the stream grows by a factor of {self.growth:.2f}"


@register_experiment("residual_norms")
@dataclass(frozen=True)
class ResidualNorms:
    """The length of the residual stream at one position, after every layer."""

    prompt: str
    position: int = -1

    def run(self, adapter) -> Norms:
        sites = adapter.sites("resid_post")
        run = adapter.run(adapter.encode(self.prompt), capture=sites)
        norms = (float(run[site][0, self.position].norm()) for site in sites)
        return Norms(tuple(norms), adapter.provenance())
