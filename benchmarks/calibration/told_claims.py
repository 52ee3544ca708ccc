"""The claims about labelled prompts that are asked of one "told or not told" model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.calibration.oracle import Claim
from benchmarks.calibration.told_oracle import ToldOracle
from pytest_interp.adapters import ModelAdapter
from pytest_interp.claims import (
    Verdict,
    check_ablation_removes,
    check_commits_later,
    check_decodable,
    check_dose_response,
    check_separates,
    check_sharpens_gradually,
    check_side_effects_below,
)
from pytest_interp.experiments import ablate_direction, class_direction, probe, steer, trajectories
from pytest_interp.options.steering import Where
from pytest_interp.planted import ToldModel
from pytest_interp.results.direction import Direction
from pytest_interp.results.steering import SteerResult

SURFACE = ("layer 0", "token counts")
LABELS = (None, "told", "untold")
DOSES = (-2.0, -1.0, 1.0, 2.0)
PARTS = (DOSES, (-1.0, 1.0, 2.0))
"""Doses of a run, and the part of them that is read as a run of its own."""
Asked = tuple[str, bool | None, Callable[[], Verdict]]
"""A claim; its truth is None where the stated numbers lie too near its limit: it is not asked."""


@dataclass(frozen=True)
class Questions:
    """What one model is asked, under every backend."""

    read: ToldOracle
    steered: ToldOracle
    ablated: ToldOracle

    @staticmethod
    def of(model: ToldModel) -> Questions:
        """Prompts of other seeds for each experiment."""
        sets = (model.prompts(n, seed) for n, seed in ((96, 7), (48, 9), (48, 10)))
        return Questions(*(ToldOracle(model, prompts) for prompts in sets))

    def claims(self, adapter: ModelAdapter) -> Iterator[Claim]:
        """The claims whose truth is known."""
        asked = itertools.chain(
            _of_probe(self.read, adapter),
            _of_trajectories(self.read, adapter),
            _of_steering(self.steered, adapter),
            _of_ablation(self.ablated, adapter),
        )
        for words, true, check in asked:
            if true is not None:
                yield words, true, check


def _of_probe(oracle: ToldOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    model, prompts = oracle.model, oracle.prompts
    found = probe(adapter, prompts, repeats=1, shuffles=39)
    for layer in range(oracle.n_layers):
        for least in (0.6, 0.75) if model.parameters.variant != "hidden" else (0.75,):
            yield (
                f"decodable at a layer, AUROC {least}",
                oracle.beyond_surface(layer),
                lambda at=layer, a=least: check_decodable(
                    found, layer=at, auroc_at_least=a, baselines=SURFACE
                ),
            )
        yield (
            "decodable at a layer beyond what the model says",
            False,  # they say, or are as sure as, what the bit makes them
            lambda at=layer: check_decodable(found, layer=at, auroc_at_least=0.6),
        )
    somewhere = any(map(oracle.beyond_surface, range(oracle.n_layers)))
    yield (
        "decodable at a picked layer",
        somewhere,
        lambda: check_decodable(found, auroc_at_least=0.75, baselines=SURFACE),
    )


def _of_trajectories(oracle: ToldOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    prompts = oracle.prompts
    curves = trajectories(adapter, prompts)
    for label, than in itertools.permutations(prompts.classes):
        for by in (0.5, 1.0, 2.0, 3.0):
            yield (
                f"commits later by {by:g}",
                oracle.later(label, than, by),
                lambda x=label, y=than, b=by: check_commits_later(
                    curves, label=x, than=y, by_layers=b
                ),
            )
    for label, most in itertools.product(prompts.classes, (0.3, 0.5, 0.7)):
        yield (
            f"sharpens gradually, by {most:g}",
            oracle.gradual(label, most),
            lambda x=label, m=most: check_sharpens_gradually(curves, label=x, jump_at_most=m),
        )


def _of_steering(oracle: ToldOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    model, prompts = oracle.model, oracle.prompts
    p = model.parameters
    neutral = tuple(one.text for one in model.prompts(12, seed=99))
    # read where it is written, and where nothing reads it any more
    asked = [
        (name, layer)
        for name, planted in model.truth.directions.items()
        for layer in sorted({planted.written_at, p.n_layers - 2})
    ]
    for name, layer in asked:
        sign = 1 if name == "doubt" else -1  # told minus untold, as probes point
        given = Direction(sign * _vector(model, name), layer, origin=name)
        steered = steer(adapter, prompts, given, doses=DOSES, neutral=neutral)
        add = {name: float(sign)}
        yield (
            "separates",
            oracle.separates(name, layer, sign),
            lambda s=steered: check_separates(s),
        )
        turned = replace(steered, projections=-steered.projections)
        yield (
            "separates, turned",
            oracle.separates(name, layer, -sign),
            lambda s=turned: check_separates(s),
        )
        for doses in PARTS:
            part = _part(steered, doses)
            for label, rising in itertools.product(LABELS, (True, False)):
                yield (
                    f"dose-response of {'all' if label is None else 'a class'}",
                    oracle.follows(add, layer, doses, label, rising),
                    lambda s=part, x=label, r=rising: check_dose_response(s, label=x, rising=r),
                )
            for kl, lost in ((0.1, 0.2), (10.0, 0.2), (10.0, 0.9)):
                yield (
                    f"side effects below {kl:g} nats and {lost:.0%} lost",
                    oracle.harmless(add, layer, doses, neutral, kl, lost),
                    lambda s=part, k=kl, w=lost: check_side_effects_below(s, kl=k, right_lost=w),
                )
        one_sided = _part(steered, (1.0, 2.0))
        yield (
            "dose-response without the opposite sign",
            False,
            lambda s=one_sided: check_dose_response(s),
        )
    yield from _of_small_doses(oracle, adapter, neutral)
    fitted, tried = prompts.split(seed=1)

    def separated(layer: int) -> Verdict:
        # where the classes have the same mean there is no direction, which is refused
        fit = class_direction(adapter, fitted, layer)
        steered = steer(adapter, tried, fit, doses=(-1.0, 1.0), neutral=neutral[:1])
        return check_separates(steered, auroc_at_least=0.7)

    for layer in (1, p.n_layers - 1):
        yield (
            "a fitted direction separates",
            oracle.readable(layer),
            lambda at=layer: separated(at),
        )


def _of_small_doses(
    oracle: ToldOracle, adapter: ModelAdapter, neutral: tuple[str, ...]
) -> Iterator[Asked]:
    """What is as small as this does no harm."""
    for name, planted in itertools.islice(oracle.model.truth.directions.items(), 1):
        doses, layer = (-0.03, 0.03), planted.written_at
        given = Direction(planted.vector, layer, origin=name)
        steered = steer(adapter, oracle.prompts, given, doses=doses, neutral=neutral)
        yield (
            "side effects of a small dose",
            oracle.harmless({name: 1.0}, layer, doses, neutral, 0.1, 0.2),
            lambda s=steered: check_side_effects_below(s, kl=0.1, right_lost=0.2),
        )


def _of_ablation(oracle: ToldOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    model, prompts = oracle.model, oracle.prompts
    names = tuple(model.truth.directions)
    several = [part for n in (1, 2) for part in itertools.combinations(names, n)]
    for i, part in enumerate([*several, ()]):
        given = [Direction(_vector(model, name), 3) for name in part or (None,)]
        # all of it is written at the last token: at every token it is the same, and slower
        where: Where = "last" if i else "all"
        removed = ablate_direction(adapter, prompts, given, positions=where)
        what = "two directions" if len(part) == 2 else "a direction"
        yield (
            f"projecting out {what} removes abstaining"
            if oracle.abstains
            else "removed where there is nothing to remove",
            oracle.removes(part),
            lambda r=removed: check_ablation_removes(r, at_least=0.7),
        )


def _vector(model: ToldModel, name: str | None) -> np.ndarray:
    if name is not None:
        return model.truth.directions[name].vector
    width = model.module.get_input_embeddings().weight.shape[1]
    drawn = np.random.default_rng(model.parameters.seed + 5).normal(size=width)
    return drawn / np.linalg.norm(drawn)


def _part(steered: SteerResult, doses: tuple[float, ...]) -> SteerResult:
    """The run, as if only these doses had been tried."""
    kept = [steered.at(dose) for dose in sorted((0.0, *doses))]
    return replace(
        steered,
        doses=tuple(steered.doses[i] for i in kept),
        log_odds=steered.log_odds[kept],
        random_log_odds=steered.random_log_odds[:, kept],
        right=steered.right[kept],
        neutral_kl=steered.neutral_kl[kept],
        random_neutral_kl=steered.random_neutral_kl[:, kept],
    )
