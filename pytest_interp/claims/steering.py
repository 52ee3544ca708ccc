"""A direction is used: adding it moves what the model says, and taking it away removes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_interp.claims.groups import (
    FEWEST_GROUPS,
    Needed,
    group_mean,
    group_share,
    groups_of,
    positive,
    require,
    share,
)
from pytest_interp.claims.intervened import chosen, decided, undecided, verdict_of
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms, shown
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control
from pytest_interp.results.steering import AblationResult, SteerResult


@checking
def check_dose_response(
    steered: SteerResult,
    *,
    at_least: float = 0.5,
    label: str | None = None,
    rising: bool = True,
    wrong_way_at_most: float = 0.2,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that the log-odds of abstaining follow the dose, as random directions' do not.

    It passes where the mean change from the smallest to the largest dose is at least ``at_least``
    with its whole interval, the means rise (or fall) from every dose to the next, the change lies
    outside the band of all random directions of the same length, and few prompts move the wrong way
    (Tan et al. 2024, arXiv 2407.12404).

    Args:
        steered: what :func:`pytest_interp.steer` returns, with doses of both signs.
        at_least: least change of the log-odds, in logits.
        label: the class of prompts that the claim is about; all by default.
        rising: whether the log-odds rise with the dose; else they fall.
        wrong_way_at_most: largest share of prompts that move against it.
        confidence: confidence of the interval.
        seed: seed of resampling.

    Raises:
        ClaimError: it is no steering result, it has doses of one sign alone or no such class, or an
            argument makes no sense.
    """
    require(steered, SteerResult, "steer(adapter, prompts, direction)")
    terms = Terms(confidence=confidence, seed=seed)
    least = positive("at_least", at_least)
    most = share("wrong_way_at_most", wrong_way_at_most)
    if not steered.doses[0] < 0 < steered.doses[-1]:
        raise ClaimError(
            f"the doses are {list(steered.doses)}: a dose-response needs some below 0 and some "
            "above. Whatever is added makes the activation longer, which weakens all that the "
            "model says: only what turns round with the sign is an effect of the direction"
        )
    given_rising: object = rising
    if not isinstance(given_rising, bool):
        raise ClaimError(f"rising={shown(rising)}: give True where they rise, or False")
    which, whose = chosen(steered, label)
    sign, way = (1.0, "rise") if rising else (-1.0, "fall")
    claim = (
        f"the log-odds of abstaining {way} by at least {least:g} from dose {steered.doses[0]:g} to "
        f"{steered.doses[-1]:g}, on {whose}, outside the band of random directions"
    )
    verdict = verdict_of(steered, claim, which, least, terms)
    if said := undecided(steered, which):
        return replace(verdict, sentence=said)
    log_odds = sign * steered.log_odds[:, which]
    random = sign * steered.random_log_odds[:, :, which]
    change = log_odds[-1] - log_odds[0]
    groups = groups_of(steered.groups, which)
    where = f"change of the log-odds on {whose}"
    needed = [
        Needed(group_mean(change, groups, where, terms.confidence, terms.seed), least),
        *_steps(log_odds, groups, steered.doses, terms),
    ]
    by_chance = np.abs((random[:, -1] - random[:, 0]).mean(1)).max()
    controls = (
        Control(
            "random directions",
            float(by_chance / max(abs(change.mean()), 1e-12)),
            1.0,
            f"largest change {by_chance:.2f} of {len(random)} directions, as a share of this one",
        ),
        Control("wrong way", float((change <= 0).mean()), most, "share of prompts"),
    )
    return decided(verdict, needed, controls, f"The log-odds {way} with the dose.")


@checking
def check_ablation_removes(
    ablated: AblationResult,
    *,
    at_least: float = 0.8,
    label: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that prompts which abstain stop abstaining once the direction is projected out.

    Where the model hardly ever abstains to begin with there is nothing to remove, and the verdict
    is inconclusive and says so. Random directions, projected out in the same way, must not do as
    well.

    Args:
        ablated: what :func:`pytest_interp.ablate_direction` returns.
        at_least: least share of the abstaining prompts that stop.
        label: the class of prompts that the claim is about; all by default.
        confidence: confidence of the interval.
        seed: seed of resampling.

    Raises:
        ClaimError: it is no ablation, it has no such class, or an argument makes no sense.
    """
    require(ablated, AblationResult, "ablate_direction(adapter, prompts, direction)")
    terms = Terms(confidence=confidence, seed=seed)
    least = positive("at_least", share("at_least", at_least))
    which, whose = chosen(ablated, label)
    claim = (
        f"at least {least:.0%} of the prompts that abstain, of {whose}, stop once the direction is "
        "projected out"
    )
    verdict = verdict_of(ablated, claim, which, least, terms)
    if said := undecided(ablated, which):
        return replace(verdict, sentence=said)
    abstains = which & (ablated.before > 0)
    groups = groups_of(ablated.groups, abstains)
    if len(set(groups)) < FEWEST_GROUPS:
        return replace(
            verdict,
            sentence=f"There is nothing to remove: the model abstains on {int(abstains.sum())} of "
            f"{int(which.sum())} prompts, from {len(set(groups))} groups; {FEWEST_GROUPS} groups "
            "are needed.",
        )
    stops = (ablated.after[abstains] <= 0).astype(float)
    where = "share that stops abstaining"
    needed = [Needed(group_share(stops, groups, where, terms.confidence, terms.seed), least)]
    others = (ablated.random_after[:, abstains] <= 0).mean(1)
    note = f"largest share that stops, of {len(others)} random directions"
    controls = (Control("random directions", float(others.max()), least / 2, note),)
    return decided(verdict, needed, controls, "Abstaining goes with the direction.")


assert_dose_response = register_claim("dose_response")(asserting(check_dose_response))
assert_ablation_removes = register_claim("ablation_removes")(asserting(check_ablation_removes))


def _steps(
    log_odds: Floats, groups: list[tuple[str]], doses: tuple[float, ...], terms: Terms
) -> list[Needed]:
    """From every dose to the next the mean has to rise."""
    return [
        Needed(
            group_mean(
                after - before,
                groups,
                f"from dose {low:g} to {high:g}",
                terms.confidence,
                terms.seed,
            ),
            0.0,
        )
        for before, after, low, high in zip(log_odds, log_odds[1:], doses, doses[1:], strict=False)
    ]
