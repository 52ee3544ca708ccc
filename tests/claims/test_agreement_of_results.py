"""Agreement of two backends on results of any kind: what is compared, and what may differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from made_results import MADE, lens

from pytest_interp.claims import Status, check_backends_agree
from pytest_interp.errors import ClaimError
from pytest_interp.results import Decision, Result, Tolerance


@dataclass(frozen=True)
class Votes(Result):
    """A result of somebody else, with names that results of this package use for other things."""

    peak: int = 3
    top_token: tuple[str, ...] = ("a", "b")
    leads: tuple[float, ...] = (2.0, 1e-6)
    signs: tuple[float, ...] = (-1.0, 1e-6, 2.0)
    first: int = 1
    rank: int = 5
    by_key: Mapping[str, float | None] = field(default_factory=lambda: {"x": 1.0})
    backend: str = "transformer_lens"
    measured: tuple[str, ...] = ("leads", "signs", "by_key", "rank")
    decides: Mapping[str, Decision] = field(
        default_factory=lambda: {
            "top_token": Decision("leads"),
            "first": Decision("signs", "sign"),
            "rank": Decision("signs", "sign"),
        }
    )

    @property
    def provenance(self):
        return replace(MADE, backend=self.backend)

    def to_json(self):
        names = ("peak", "top_token", "leads", "signs", "first", "rank", "by_key")
        values = {name: getattr(self, name) for name in names}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def tolerances(self):
        return dict.fromkeys(self.measured, Tolerance(1e-3))

    def findings(self):
        return self.decides


def votes_agree(**changed):
    return check_backends_agree(Votes(), replace(Votes(backend="nnsight"), **changed))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"peak": 4}, "peak is 3 and 4"),  # no finding, whatever its name
        ({"rank": 9}, "rank is 5 and 9"),  # nothing that decides it flipped
        ({"top_token": ("c", "b")}, "top_token.0 is 'a' and 'c'"),  # it led by 2
        ({"first": 2}, "first is 1 and 2"),  # no sign changed
        ({"first": 2, "signs": (-1.0, -0.5, 2.0)}, "0.5, in signs. Differing as well: first."),
        ({"first": None}, "first is 1 and None"),
        ({"top_token": ("a",)}, "top_token is"),
        ({"leads": (2.0,)}, "leads has two shapes"),
        ({"by_key": {"y": 1.0}}, "by_key has two shapes"),
        ({"by_key": {"x": 1.1}}, "largest difference is 0.1, in by_key"),
        ({"by_key": {"x": None}}, "largest difference is inf, in by_key"),
        ({"signs": (-1.0, 1e-6, 2.1)}, "largest difference is 0.1, in signs"),
    ],
    ids=str,
)
def test_what_differs_without_a_reason_is_a_disagreement(changed, says):
    verdict = votes_agree(**changed)
    assert verdict.status is Status.FAILED
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({}, ""),
        ({"top_token": ("a", "c")}, "Differing within that: top_token."),
        ({"first": 2, "signs": (-1.0, -1e-6, 2.0)}, "Differing within that: first."),
        ({"rank": 5.0005}, "Differing within that: rank."),  # by its own tolerance
    ],
    ids=str,
)
def test_a_finding_that_rounding_decides_may_differ(changed, note):
    verdict = votes_agree(**changed)
    assert verdict.status is Status.PASSED
    assert verdict.sentence.endswith(note)


def test_a_finding_of_a_lens_is_decided_by_its_margin():
    other = lens(9)
    flipped = {"answer_rank": other.answer_rank, "top_token": other.top_token}

    def agree(margin):
        """The answer leads at layer 8 by this margin under one backend, and trails by it."""
        a, b = lens(margin=margin), lens(margin=-margin, backend="nnsight")
        return check_backends_agree(a, replace(b, **flipped), atol=1.0)

    verdict = agree(1e-5)
    assert verdict.status is Status.PASSED
    for name in ("answer_rank", "crossover_layer", "settled_layer", "top_token"):
        assert name in verdict.sentence
    verdict = agree(0.7)
    assert verdict.effect.value == pytest.approx(1.4)
    assert verdict.status is Status.FAILED
    same = replace(lens(backend="nnsight"), top_token=other.top_token)
    verdict = check_backends_agree(lens(), same)
    assert verdict.sentence.startswith("top_token.8 is ' Paris' and ' the'; top_margin, which")


@pytest.mark.guarantee(
    "green",
    "Two backends do not agree on nothing: no prompts, or no number that is compared.",
    sees="A ClaimError that says what to give.",
)
@pytest.mark.parametrize(("measured", "leads"), [((), ()), (("leads",), ())])
def test_results_that_hold_no_number_are_no_agreement(measured, leads):
    one = Votes(measured=measured, leads=leads, decides={})
    with pytest.raises(ClaimError, match=r"no number to compare: name .* in Votes.tolerances"):
        check_backends_agree(one, replace(one, backend="nnsight"))
