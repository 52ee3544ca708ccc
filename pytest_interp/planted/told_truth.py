"""What is true of a planted "told or not told" model, derived from its mechanism. No torch here.

With ``b`` the layer that writes the bit, ``r`` the one that reads the city, ``g`` the gate:

==============  =====================  =============================  ==========================
variant         told apart from layer  adding the bit moves           projecting the bit out
                                       abstaining, at layers
==============  =====================  =============================  ==========================
gated           min(b, r)              0 .. g - 1                     removes abstaining
decoy           min(b, r)              none                           removes nothing
hidden          none (0.6 from b on)   0 .. g - 1                     removes abstaining
two_directions  min(b, r)              0 .. g - 1, each alone         both: removes; one: nothing
surface         0                      none                           never abstains
never           min(b, r)              none                           never abstains
none            none                   there is no bit                never abstains
gradual         min(b, r)              none                           never abstains
==============  =====================  =============================  ==========================

Everywhere else the classes are told apart by chance. Where the bit is written at ``b``, adding it
at an earlier layer counts as well: nothing takes it away. What is written at the gate (or in
``decoy`` at ``r``), ``abstain``, is read by the unembedding, so that adding it moves abstaining at
every layer.

Adding any direction, also one that nothing reads, makes the norm larger and all logits smaller: the
log-odds go a little towards 0. That is no use of the direction: a random one of the same norm does
it as well. :meth:`ToldTruth.log_odds` counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.planted.features import Array
from pytest_interp.planted.graded import Edit, Graded
from pytest_interp.planted.told_prompts import ABSTAIN
from pytest_interp.planted.told_variants import ToldParameters

CHANCE, HIDDEN, SURE = 0.5, 0.6, 1.0
"""AUROC of the best linear probe, over many prompts."""


@dataclass(frozen=True)
class PlantedDirection:
    """A direction of the residual stream that the model writes at its last token."""

    name: str
    vector: Array
    """``[d_model]``, of norm 1: as much as the model writes. It is written on prompts of class
    ``untold`` (``doubt``: where the statements are rumours), so that the difference of means, told
    minus untold, points the other way."""
    written_at: int
    """Layer from whose ``resid_post`` on it is there."""
    used_at: int | None
    """Layer whose MLP turns it into abstaining; the number of layers, where the unembedding reads
    it; None: nothing reads it."""

    def moves_abstaining(self, layer: int) -> bool:
        """Whether adding it to ``resid_post`` of a layer moves abstaining.

        False where it does no more than a random direction of the same norm.
        """
        return self.used_at is not None and layer < self.used_at


@dataclass(frozen=True)
class ToldTruth:
    """What is true of one model, for every prompt that it draws."""

    parameters: ToldParameters
    graded: Graded
    directions: Mapping[str, PlantedDirection]
    """By name; first those that carry the bit, then ``abstain``."""
    shipped: PromptSet
    """Prompts over which statements about a class are derived."""
    tolerance: float = 0.5
    """How far a measured log-odds, or a difference of two, may be from the stated one, in natural
    units: the norms of the network hold junk, of which the truth knows about how much there is."""

    @property
    def auroc(self) -> tuple[float, ...]:
        """By layer: AUROC of the best linear probe on ``resid_post`` of the last token.

        0.5 where nothing tells the classes apart, 1 where they are told apart by a margin.
        """
        p = self.parameters
        first, reached = p.n_layers, SURE
        if p.variant == "hidden":
            first, reached = p.bit_layer, HIDDEN
        elif p.bits:
            first = min(p.bits.values())
        if p.reads:
            first = min(first, p.read_layer)
        return tuple(CHANCE if layer < first else reached for layer in range(p.n_layers))

    def log_odds(
        self,
        text: str,
        *,
        add: Mapping[str, float] | None = None,
        layer: int | None = None,
        ablate: Iterable[str] = (),
    ) -> float:
        """Logit of the abstaining word minus the best other one, at the end of a prompt.

        Args:
            text: a prompt of this model.
            add: direction -> how often its vector is added to ``resid_post`` at the last token.
            layer: where it is added.
            ablate: directions whose span is projected out of everything that is written to the
                stream, at every layer and token.

        Raises:
            UnknownNameError: no such direction.
            ExperimentError: ``add`` without a layer of the model.
        """
        add, ablate = add or {}, tuple(ablate)
        for name in (*add, *ablate):
            if name not in self.directions:
                raise UnknownNameError.of("planted direction", name, self.directions)
        if add and layer not in range(self.parameters.n_layers):
            raise ExperimentError(
                f"layer is {layer}: name the layer whose resid_post is added to, 0 to "
                f"{self.parameters.n_layers - 1}"
            )
        edit = Edit(add, layer, tuple({name: 1.0} for name in ablate))
        logits = self.graded.logits(self.graded.stream(text.split(), edit)[-1])
        return logits[ABSTAIN] - max(v for word, v in logits.items() if word != ABSTAIN)

    def effect(self, text: str, add: Mapping[str, float], layer: int) -> float:
        """By how much adding directions moves :meth:`log_odds`, in natural units."""
        return self.log_odds(text, add=add, layer=layer) - self.log_odds(text)

    def abstains(self, text: str, ablate: Iterable[str] = ()) -> bool:
        """Whether abstaining is the most likely next word."""
        return self.log_odds(text, ablate=ablate) > 0

    def ablation_removes(self, *names: str) -> bool | None:
        """Whether projecting these directions out ends all abstaining of the shipped prompts.

        None where none of them abstains to begin with: there is nothing to remove.
        """
        abstaining = [p.text for p in self.shipped if self.abstains(p.text)]
        if not abstaining:
            return None
        return not any(self.abstains(text, names) for text in abstaining)

    def lens(self, text: str) -> tuple[str, ...]:
        """The word that leads after each layer, read from ``resid_post`` of the last token."""
        states = self.graded.stream(text.split())
        by_layer = [self.graded.logits(state, layer) for layer, state in enumerate(states)]
        return tuple(max(logits, key=logits.__getitem__) for logits in by_layer)

    def settles_at(self, text: str) -> int:
        """First layer from which on the lens reads what the model answers in the end."""
        leads = np.array(self.lens(text))
        other = np.flatnonzero(leads != leads[-1])
        return int(other[-1]) + 1 if other.size else 0

    def settling(self) -> dict[str, int | None]:
        """Class -> the layer at which its answers settle; None where prompts of it differ."""
        layers: dict[str, set[int]] = {}
        for prompt in self.shipped:
            layers.setdefault(prompt.label, set()).add(self.settles_at(prompt.text))
        return {label: min(found) if len(found) == 1 else None for label, found in layers.items()}
