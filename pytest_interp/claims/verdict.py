"""What a check returns, and what an assertion raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pytest_interp.claims.unread import look_at
from pytest_interp.errors import ClaimFailed, ClaimInconclusive
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.control import Control
from pytest_interp.results.notebook import table_html, text_html


class Status(StrEnum):
    """The three outcomes of a check."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


_COLOURS = {Status.PASSED: "#007A57", Status.FAILED: "#B84A00", Status.INCONCLUSIVE: "#8A6100"}
"""Dark enough on white, and told apart by colour-blind readers; the word stands beside."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval, and where it was measured.

    With one prompt ``low`` and ``high`` are the value itself.
    """

    value: float
    low: float
    high: float
    where: str = ""

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Verdict:
    """What the evidence says about one claim."""

    claim: str
    """The claim in plain words."""
    status: Status
    sentence: str
    """The outcome in plain words."""
    n_prompts: int
    """Prompts, or pairs of prompts, that the verdict rests on."""
    n_clusters: int
    """Templates among them."""
    n_entities: int | None = None
    """Answers that they are about, both of each pair; None where that was not counted."""
    in_each_template: bool = False
    """Whether the claim has to hold in each template on its own."""
    effect: Estimate | None = None
    """The number that decides: of all that must hold, the one with the least margin."""
    threshold: float | None = None
    margin: float | None = None
    """How far the deciding bound is on the right side of the threshold; negative on the wrong."""
    confidence: float | None = None
    """Confidence of the interval; None with one prompt."""
    interval: str = ""
    """What the interval of ``effect`` counts, and how many: ``by entities, 12 of them``."""
    direction: str | None = None
    metric: str | None = None
    corruption: str | None = None
    controls: tuple[Control, ...] = ()
    claimed: str = ""
    """What the deciding number is claimed to be, as ``at least 0.80``."""
    n_left_out: int = 0
    """Facts left out because the model does not know them."""
    models: tuple[str, ...] = ()
    """The models that were measured; none where that is not known."""
    backends: tuple[str, ...] = ()
    """The backends under which they were measured."""
    ranges: tuple[ClaimedRange, ...] = field(default=(), repr=False)
    """The layers that the claim names with their limits, for a figure; not part of the JSON."""
    details: str = field(default="", repr=False)
    """Broken cells and the map around them, for a person."""

    if not TYPE_CHECKING:  # for a type checker any name would be an attribute

        def __getattribute__(self, name: str) -> Any:
            if name != "__class__":  # isinstance may read it
                look_at(self)
            return object.__getattribute__(self, name)

    def __bool__(self) -> bool:
        return self.status is Status.PASSED

    @property
    def headline(self) -> str:
        """What happened, in one line: the outcome, then the number that decides or the reason."""
        said = self.sentence.strip().partition("\n")[0]
        if self.effect is not None and self.claimed and self.status is not Status.INCONCLUSIVE:
            said = f"{self.effect} at {self.effect.where}, claimed {self.claimed}"
        if self.status is Status.PASSED and self.margin is not None:
            said = f"{said.rstrip('.')}, margin {self.margin:+.3f}"
        return f"{self.status}: {said}"

    @property
    def scope(self) -> str:
        """How far the verdict reaches: ``existence, n = 1``, or the numbers of facts."""
        if self.n_prompts == 1:
            return "existence, n = 1"
        text = f"n = {self.n_prompts} from {_count(self.n_clusters, 'template')}"
        if self.n_entities is not None:
            text += f", about {_count(self.n_entities, 'answer')}"
        if self.in_each_template:
            text += "; in each template on its own"
        return text

    def __str__(self) -> str:
        """The whole verdict, as an assertion prints it."""
        said = [] if self.sentence in self.headline else [self.sentence]
        lines = [self.headline, *said, f"  claim: {self.claim}"]
        lines.extend(f"  {name}: {value}" for name, value in self._facts())
        if self.details:
            lines.append(self.details)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows: the outcome, and what it rests on."""
        rows = [("claim", self.claim), ("outcome", self.sentence), *self._facts()]
        return table_html(self.headline, rows, colour=_COLOURS[self.status]) + text_html(
            self.details
        )

    def _facts(self) -> list[tuple[str, str]]:
        """What the outcome rests on, by name."""
        facts = [("scope", self.scope)]
        if self.n_left_out:
            n = self.n_left_out
            facts.append(("left out", f"{n} fact{'s' * (n > 1)} that the model does not know"))
        measured = ", ".join(filter(None, (self.direction, self.metric, self.corruption)))
        if measured:
            facts.append(("measured", measured))
        if self.effect is not None:
            facts.append(("decided by", f"{self.effect} at {self.effect.where}"))
        if self.interval:
            facts.append(("interval", self.interval))
        if self.threshold is not None and self.margin is not None:
            facts.append(("threshold", f"{self.threshold:.3g}, margin {self.margin:+.3f}"))
        facts.extend(("control", str(control)) for control in self.controls)
        return facts

    def to_json(self) -> dict[str, Any]:
        """A plain dict, for a report."""
        values = asdict(self)
        del values["details"], values["ranges"]
        controls = [control.to_json() for control in self.controls]
        return values | {"status": str(self.status), "scope": self.scope, "controls": controls}


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


Listener = Callable[[Verdict], None]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("pytest_interp_verdicts", default=())


@contextmanager
def hearing(listener: Listener) -> Iterator[None]:
    """Show every verdict asserted inside this block to a listener, before anything is raised.

    Listeners of blocks around this one hear it as well, after this one.
    """
    token = _listeners.set((listener, *_listeners.get()))
    try:
        yield
    finally:
        _listeners.reset(token)


def conclude(verdict: Verdict) -> Verdict:
    """Return a passed verdict; raise on any other. Every ``assert_*`` ends here.

    Raises:
        ClaimFailed: the claim is false on this evidence.
        ClaimInconclusive: the evidence cannot decide it.
    """
    __tracebackhide__ = True  # pytest then shows the line of the spec
    for listener in _listeners.get():
        listener(verdict)
    if verdict.status is Status.FAILED:
        raise ClaimFailed(str(verdict))
    if verdict.status is Status.INCONCLUSIVE:
        raise ClaimInconclusive(str(verdict))
    return verdict
