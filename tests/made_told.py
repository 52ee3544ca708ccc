"""Results on labelled prompts, made of plain numbers: 12 told and 12 untold, each of its person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_interp.options.probe import ProbeOptions
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.probe import ProbeResult
from pytest_interp.results.steering import AblationResult, SteerResult
from pytest_interp.results.trajectories import Trajectories

N = 24
DOSES = (-2.0, -1.0, 0.0, 1.0, 2.0)
SPREAD = 0.1 * np.linspace(-1, 1, N)
UNTOLD = np.arange(N) < N // 2
PROMPTS = {
    "name": "made",
    "classes": ("untold", "told"),
    "ids": tuple(f"p{i}" for i in range(N)),
    "labels": ("untold",) * (N // 2) + ("told",) * (N // 2),
    "groups": tuple(f"person {i}" for i in range(N)),
    "templates": tuple(f"t{i % 2}" for i in range(N)),
}


def steered(by=1.0, random=0.1, **changes):
    """Each unit of dose moves the log-odds by ``by``, of three random directions by ``random``."""
    doses = np.array(DOSES)[:, None]
    found = {
        "options": SteerOptions(doses=(-2, -1, 1, 2)),
        "direction": "made",
        "layers": (3,),
        "doses": DOSES,
        "projections": np.where(UNTOLD, 1.0, -1.0) + SPREAD,
        "log_odds": by * doses + SPREAD * doses,
        "random_log_odds": random * doses * np.array([1.0, -0.5, 0.2])[:, None, None] + 0 * SPREAD,
        "right": np.ones((len(DOSES), N)),
        "neutral_kl": np.array([0.04, 0.01, 0.0, 0.01, 0.03]),
        "random_neutral_kl": np.zeros((3, len(DOSES))),
    }
    return SteerResult(**PROMPTS, **found | changes)


def projected_out(before=1.0, after=-1.0, random=1.0, **changes):
    """All prompts abstain by so much before, and after; with three random directions by so much."""
    found = {
        "options": SteerOptions(),
        "direction": "made",
        "before": np.broadcast_to(before, N),
        "after": np.broadcast_to(after, N),
        "random_after": np.full((3, N), random),
        "right": np.ones((2, N)),
    }
    return AblationResult(**PROMPTS, **found | changes)


def probed(**changes):
    """Of four layers the last two tell the classes apart, and no baseline does."""
    apart = np.where(UNTOLD, 1.0, -1.0) + SPREAD
    chance = np.tile([1.0, -1.0, -1.0, 1.0], N // 4)
    found = {
        "options": ProbeOptions(),
        "layers": (0, 1, 2, 3),
        "scores": np.stack([chance, chance, apart, apart]),
        "selected": apart,
        "picked": (3, 2, 3),
        "template_scores": np.stack([chance, chance, chance, apart]),
        "baselines": ("layer 0", "token counts"),
        "baseline_scores": np.stack([chance, chance]),
        "shuffled": np.full((99, 4), 0.5),
        "directions": np.zeros((4, 8)),
    }
    return ProbeResult(**PROMPTS, **found | changes)


def of_persons(result, *persons):
    """The same prompts, dealt out to these persons in turn."""
    return replace(result, groups=tuple(persons[i % len(persons)] for i in range(N)))


def made_curves(prob, *, label="told", n=24):
    """The same probabilities [layer] for every prompt of a class."""
    rows = np.tile(prob, (n, 1))
    return Trajectories(
        name="made",
        of_answers=False,
        layers=tuple(range(len(prob))),
        ids=tuple(f"{label}-{i}" for i in range(n)),
        labels=(label,) * n,
        groups=tuple(f"person-{i}" for i in range(n)),
        templates=("one",) * n,
        tokens=(" Paris",) * n,
        prob=rows,
        rank=np.zeros(rows.shape, dtype=int),
        margin=rows - 0.3,
        entropy=np.ones(rows.shape),
        divergence=np.ones(rows.shape),
        confidence=np.log(rows[:, -1]),
    )


def together(first, second):
    """Two sets of curves as one."""
    joined = {
        name: (*getattr(first, name), *getattr(second, name))
        for name in ("labels", "groups", "templates", "tokens")
    }
    rows = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("prob", "rank", "margin", "entropy", "divergence", "confidence")
    }
    return replace(first, ids=first.ids + second.ids, **joined, **rows)
