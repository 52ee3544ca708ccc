"""Trajectories: over depth, how does a model come to what it says?

The logit lens (nostalgebraist 2020) of the model's own next token, over a labelled set. Curves of
this kind tell hallucinated answers from right ones in some models (arXiv 2403.20009).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import PromptError
from pytest_interp.experiments.batching import rows_in_budget
from pytest_interp.experiments.features import encoded
from pytest_interp.experiments.lens import lens_edits
from pytest_interp.experiments.openings import batches
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.results.trajectories import Trajectories

Curves = dict[str, npt.NDArray[np.float64]]


def trajectories(
    adapter: ModelAdapter, prompts: PromptSet, *, of_answers: bool = False
) -> Trajectories:
    """Read every layer at the last token of each prompt through the model's own head.

    Prompts of one token length share their forward passes. Each layer's residual stream is read by
    the model's own final norm and unembedding, as :func:`pytest_interp.logit_lens` does.

    Args:
        adapter: the model under a backend.
        prompts: the prompts, of any number of classes.
        of_answers: follow the stated answers, in place of what the model says in the end.

    Raises:
        PromptError: a prompt has no answer, or its answer is not one token.
    """
    answers: list[int] | None = None
    if of_answers:
        for prompt in prompts:
            if prompt.answer is None:
                raise PromptError(
                    f"the prompt {prompt.id!r} has no answer to follow: give one, or follow the "
                    "model's own token (of_answers=False)",
                    about="of_answers",
                )
        answers = [adapter.answer_id(str(prompt.answer)) for prompt in prompts]
    ids = encoded(adapter, prompts)
    layers = tuple(range(adapter.n_layers))
    shape = (len(prompts), len(layers))
    curves: Curves = {
        name: np.empty(shape) for name in ("prob", "rank", "margin", "entropy", "divergence")
    }
    confidence, followed = np.empty(len(prompts)), np.empty(len(prompts), dtype=int)

    def fitting(length: int) -> int:
        return max(1, rows_in_budget(adapter, length) // (1 + len(layers)))

    done = 0
    for batch in batches(adapter, ids, [len(row) - 1 for row in ids], fitting):
        members = batch.members
        edits = lens_edits(layers, batch.tokens.shape[1] - 1)
        run = adapter.run(batch.tokens, edits=edits, prefix=batch.prefix)
        logits = run.logits[:, -1].float()
        final, *by_layer = logits.view(1 + len(layers), len(members), -1)
        token = final.argmax(-1)
        if answers is not None:
            token = torch.tensor([answers[i] for i in members], device=final.device)
        followed[members] = token.cpu().numpy()
        log_final = final.log_softmax(-1)
        confidence[members] = log_final.gather(1, token[:, None])[:, 0].cpu().numpy()
        for row, at_layer in enumerate(by_layer):
            for name, values in _read(at_layer, log_final, token).items():
                curves[name][members, row] = values.cpu().numpy()
        done += len(members)
        progress.report(f"following what {adapter.name} says", done, len(prompts))
    return Trajectories(
        name=prompts.name,
        of_answers=of_answers,
        layers=layers,
        n_layers=adapter.n_layers,
        ids=tuple(prompt.id for prompt in prompts),
        labels=prompts.labels,
        groups=prompts.groups,
        templates=prompts.templates,
        tokens=_texts(adapter, followed.tolist()),
        confidence=confidence,
        provenance=adapter.provenance(),
        **curves,  # type: ignore[arg-type] # rank becomes an integer there
    )


def _read(logits: Tensor, log_final: Tensor, token: Tensor) -> dict[str, Tensor]:
    """The numbers [prompt] of one layer, from its logits [prompt, vocab]."""
    own = logits.gather(1, token[:, None])
    best_other = logits.scatter(1, token[:, None], -torch.inf).amax(-1)
    log_p = logits.log_softmax(-1)
    return {
        "prob": log_p.gather(1, token[:, None])[:, 0].exp(),
        # not "logits > own", in which a NaN would rank below all others
        "rank": (~(logits <= own)).sum(-1),
        "margin": own[:, 0] - best_other,
        "entropy": -(log_p.exp() * log_p).sum(-1),
        "divergence": (log_final.exp() * (log_final - log_p)).sum(-1).clamp_min(0),
    }


def _texts(adapter: ModelAdapter, ids: Sequence[int]) -> tuple[str, ...]:
    return tuple(str(adapter.tokenizer.decode([i])) for i in ids)
