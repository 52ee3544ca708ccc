"""Running a spec outside of pytest: the result, and what its claims say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_interp.claims.verdict import Verdict, hearing
from pytest_interp.errors import ClaimFailed, ClaimInconclusive, InterpError
from pytest_interp.results import Result
from pytest_interp.specs.claims import Claim
from pytest_interp.specs.schema import Spec

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


@dataclass(frozen=True)
class Outcome:
    """One claim and how it came out."""

    claim: Claim
    status: str
    """``passed``, ``failed``, ``inconclusive``, or ``misstated``: it does not fit the result."""
    message: str
    """What a claim that did not pass said."""
    verdict: Verdict | None
    """The numbers, where the assertion told them."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "claim": self.claim.text,
            "line": self.claim.line,
            "status": self.status,
            "verdict": self.verdict.to_json() if self.verdict else None,
        }


def run_experiment(spec: Spec, adapter: ModelAdapter) -> Result:
    """Run the experiment of a spec on a model.

    Raises:
        SpecError: its inputs do not fit this model; the message begins with file and line.
    """
    try:
        return spec.experiment.run(adapter, spec.config)
    except InterpError as error:
        raise spec.document.error(("inputs",), str(error)) from error


def check_claims(spec: Spec, result: Result) -> Iterator[Outcome]:
    """Check every claim of a spec, one after the other."""
    for claim in spec.claims:
        heard: list[Verdict] = []
        status, message = "passed", ""
        try:
            with hearing(heard.append):
                claim.check(result)
        except ClaimFailed as error:
            status, message = "failed", str(error)
        except ClaimInconclusive as error:
            status, message = "inconclusive", str(error)
        except InterpError as error:
            status, message = "misstated", str(error)
        yield Outcome(claim, status, message, heard[-1] if heard else None)
