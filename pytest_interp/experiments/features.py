"""What a model holds at one token of each prompt of a set, and what it would say next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, SiteKind, parse_kind
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.batching import rows_in_budget
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.openings import batches
from pytest_interp.experiments.tokens import must_differ
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.prompts import encode
from pytest_interp.results.base import Floats


@dataclass(frozen=True, eq=False)
class Features:
    """Activations of one site at one position, and the model's own answer, for a set of prompts."""

    prompts: PromptSet
    kind: SiteKind
    position: int
    """From the end: -1 is the last token."""
    layers: tuple[int, ...]
    states: Floats
    """Activations [layer, prompt, d]: of a site that has heads, all of them one after another."""
    tokens: tuple[tuple[int, ...], ...]
    """Token ids of each prompt."""
    confidence: Floats
    """Log-probability of the most likely next token [prompt], in nats."""
    abstains_by: Floats
    """Logit of the best abstaining token minus that of the best other token [prompt]: positive
    where the model abstains. NaN where the set names no such token."""

    @property
    def undefined(self) -> str:
        """Where an activation, or else an output, is not a finite number; empty where all are."""
        wrong = np.argwhere(~np.isfinite(self.states))
        if len(wrong):
            layer, prompt, unit = wrong[0].tolist()
            value = self.states[layer, prompt, unit]
            where = f"activation of {self.kind}.{self.layers[layer]}"
        elif len(wrong := np.argwhere(~np.isfinite(self.confidence))):
            ((prompt,), *_) = wrong.tolist()
            value, where = self.confidence[prompt], "log-probability of the next token"
        else:
            return ""
        said = self.prompts.prompts[prompt].id
        return f"the {where} on the prompt {said!r} is {value:g}, no finite number"

    def without_undefined(self) -> Features:
        """The same with NaN on all prompts where a layer, or an output, is not finite on one."""
        sound = np.isfinite(self.states).all((1, 2), keepdims=True)
        confidence, abstains_by = (
            np.where(np.isfinite(x).all(), x, np.nan) for x in (self.confidence, self.abstains_by)
        )
        states = np.where(sound, self.states, np.nan)
        return replace(self, states=states, confidence=confidence, abstains_by=abstains_by)


def capture_features(
    adapter: ModelAdapter,
    prompts: PromptSet,
    site: SiteKind | str = "resid_post",
    position: int = -1,
    layers: Iterable[int] | None = None,
) -> Features:
    """Run every prompt once, in batches of one length, and keep one token's activations.

    Args:
        adapter: the model under a backend.
        prompts: the prompts.
        site: a kind of site in the blocks that holds numbers for each token.
        position: the token, counted from the end (-1 is the last) or from the start.
        layers: layers to keep; all by default.

    Raises:
        PromptError: an abstaining answer is not one token, or the tokenizer has no chat template.
        ExperimentError: the site holds nothing of single tokens, a prompt has no such token, the
            model has no such layer.
    """
    kind = parse_kind(site)
    if kind.dims[:2] != ["row", "pos"] or not kind.in_blocks:
        raise ExperimentError(
            f"the site {kind} holds {kind.shape}: give one that holds a vector per token in every "
            "block, as resid_post, attn_out, mlp_out or head",
            about="site",
        )
    chosen = layers_of(adapter, layers)
    sites = [Site(kind, layer) for layer in chosen]
    abstaining = abstaining_ids(adapter, prompts)
    ids = encoded(adapter, prompts)
    short = next((i for i, row in enumerate(ids) if not -len(row) <= position < len(row)), None)
    if short is not None:
        raise ExperimentError(
            f"the prompt {prompts.prompts[short].id!r} has {len(ids[short])} tokens, and none at "
            f"position {position}",
            about="position",
        )
    states: Floats | None = None
    confidence, abstains_by = np.empty(len(prompts)), np.full(len(prompts), np.nan)
    done = 0
    first_read = [position % len(row) for row in ids]
    for batch in batches(adapter, ids, first_read, lambda n: rows_in_budget(adapter, n)):
        members = batch.members
        run = adapter.run(batch.tokens, capture=sites, prefix=batch.prefix)
        at = [first_read[i] - len(ids[i]) for i in members]  # from the end
        rows = torch.arange(len(members))
        found = torch.stack([run[one][rows, at].flatten(1) for one in sites]).float()
        if states is None:
            states = np.empty((len(chosen), len(prompts), found.shape[-1]))
        states[:, members] = found.cpu().numpy()
        logits = run.logits[:, -1].float()
        confidence[members] = logits.log_softmax(-1).amax(-1).cpu().numpy()
        if abstaining:
            abstains_by[members] = abstaining_margin(logits, abstaining).cpu().numpy()
        done += len(members)
        progress.report(f"reading {kind} of {adapter.name}", done, len(prompts))
    assert states is not None  # a set has a prompt
    return Features(prompts, kind, position, chosen, states, tuple(ids), confidence, abstains_by)


def encoded(adapter: ModelAdapter, prompts: PromptSet) -> list[tuple[int, ...]]:
    """Token ids of each prompt, through the chat template where the set asks for it.

    Raises:
        PromptError: the tokenizer has no chat template, or two prompts are the same tokens.
    """
    ids = _encoded(adapter, prompts)
    must_differ([prompt.text for prompt in prompts], ids)
    return ids


def _encoded(adapter: ModelAdapter, prompts: PromptSet) -> list[tuple[int, ...]]:
    tokenizer: Any = adapter.tokenizer
    if not prompts.chat:
        return [encode(tokenizer, prompt.text) for prompt in prompts]
    if not getattr(tokenizer, "chat_template", None):
        raise PromptError(
            f"the tokenizer of {adapter.name} has no chat template, which the prompt set "
            f"{prompts.name!r} asks for: set chat: false, or take a model that was tuned to chat"
        )
    return [
        tuple(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt.text}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
            )
        )
        for prompt in prompts
    ]


def abstaining_ids(adapter: ModelAdapter, prompts: PromptSet) -> list[int]:
    """Token ids of the abstaining answers of a set; empty where it names none.

    Raises:
        PromptError: one of them is not one token.
    """
    return [adapter.answer_id(answer) for answer in prompts.abstain]


def abstaining_margin(logits: Tensor, abstaining: Sequence[int]) -> Tensor:
    """Best logit among the abstaining tokens minus the best among all others [...]."""
    among = torch.zeros(logits.shape[-1], dtype=torch.bool, device=logits.device)
    among[list(abstaining)] = True
    best = logits.masked_fill(~among, -torch.inf).amax(-1)
    return best - logits.masked_fill(among, -torch.inf).amax(-1)
