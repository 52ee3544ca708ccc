"""No false claim passes and no true claim fails, on models whose mechanism is known."""

from collections import Counter

import pytest

from benchmarks.calibration import calibrate, table


@pytest.fixture(scope="module")
def cases():
    # every tenth model of the grid, of all architectures, variants and depths; the whole grid is
    # `python -m benchmarks.calibration`
    return calibrate(share=10)


def test_no_false_pass_and_no_false_fail(cases):
    wrong = [case for case in cases if case.false_pass or case.false_fail]
    assert not wrong, f"{table(cases)}\n" + "\n".join(map(str, wrong[:20]))


ONE_SIDED = ("other direction", "site not traced", "backends agree", "another model agrees")
"""Always true, or never."""
NEVER_TRUE = ("localized at between", "handoff last")


def test_the_grid_asks_enough_of_every_kind(cases):
    assert len(cases) > 1000
    true = Counter(c.claim for c in cases if c.true)
    false = Counter(c.claim for c in cases if not c.true)
    # each claim is asked where it is true and where it is false
    for claim in {c.claim for c in cases if not c.claim.startswith(ONE_SIDED)}:
        assert false[claim], claim
        assert true[claim] or claim.startswith(NEVER_TRUE), claim


def test_every_assertion_is_asked_of_one_fact_and_of_sets(cases):
    asked = {c.claim for c in cases if c.true and c.outcome == "passed"}
    for what in ("one fact", "24 facts"):
        for name in (
            "localized",
            "handoff",
            "sufficient",
            "necessary",
            "no_effect",
            "crystallises",
        ):
            assert any(name in claim and what in claim for claim in asked), (name, what)


def test_unknown_facts_and_shuffled_weights_never_fail_nor_pass(cases):
    lost = [c for c in cases if c.variant in ("unknown_fact", "shuffled_weights")]
    about_facts = [c for c in lost if c.backend != "both"]
    assert {c.outcome for c in about_facts} == {"inconclusive", "refused"}
