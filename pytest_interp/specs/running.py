"""Running a spec outside of pytest: its result, and the outcomes of its claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pytest_interp.claims.verdict import Verdict, hearing
from pytest_interp.documents import Location
from pytest_interp.errors import ClaimFailed, ClaimInconclusive, InterpError, described
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.provenance import seeded
from pytest_interp.results.base import Result
from pytest_interp.specs.claims import Claim
from pytest_interp.specs.schema import Spec

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


_PARTS_OF_A_FACT = {field.name for field in fields(FactPrompt)}


@dataclass(frozen=True)
class Outcome:
    """One claim and how it came out."""

    claim: Claim
    status: str
    """``passed``, ``failed``, ``inconclusive``, ``misstated`` (it does not fit the result), or
    ``error``: the code of the claim broke."""
    message: str
    """Why the claim did not pass."""
    verdict: Verdict | None
    """The numbers, where the claim gave them."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "claim": self.claim.text,
            "line": self.claim.line,
            "status": self.status,
            "message": self.message,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
        }


def run_experiment(spec: Spec, adapter: ModelAdapter) -> Result:
    """Run the experiment of a spec on a model.

    Raises:
        SpecError: its inputs do not fit this model; the message begins with file and line.
    """
    try:
        with seeded(spec.settings.seed):
            return spec.experiment.run(adapter, spec.config)
    except InterpError as error:
        raise spec.document.error(_input(spec, error.about), str(error)) from error


def _input(spec: Spec, name: str | None) -> Location:
    """Where the input of this name stands; that of the fact where it is a part of one."""
    own: Location = ("inputs", name or "")
    if spec.document.has(own) or name not in _PARTS_OF_A_FACT:
        return own
    kind = "fact" if "fact" in spec.settings.inputs else "facts"
    return ("inputs", kind, name)


def check_claims(spec: Spec, result: Result) -> Iterator[Outcome]:
    """Check every claim of a spec, one after the other; none stops the others."""
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
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # of code that others wrote; pytest.fail is no Exception
            status, message = "error", f"{claim.place}: {claim.text}\n{described(error)}"
        said = [verdict for verdict in heard if verdict.status == status]
        yield Outcome(claim, status, message, said[-1] if said else None)
