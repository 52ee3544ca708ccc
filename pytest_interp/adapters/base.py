"""The one primitive: a forward pass with captures and edits.

:meth:`ModelAdapter.run` is written once, here. It turns captures and edits into *taps*, one
function per place (:mod:`pytest_interp.adapters.taps` keeps their promises). A backend implements
:meth:`ModelAdapter._forward`: one pass that shows each tapped tensor to its function and goes on
with what comes back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from pytest_interp.adapters.embedding import embed, embedding_std
from pytest_interp.adapters.layouts import Layout, layout_of
from pytest_interp.adapters.opened import Opened
from pytest_interp.adapters.passes import Run
from pytest_interp.adapters.prefix import Prefix
from pytest_interp.adapters.refusals import misfit, refusal
from pytest_interp.adapters.shapes import Shapes
from pytest_interp.adapters.sites import Site, SiteKind, parse_kind, sites_of
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.adapters.state import (
    Seen,
    State,
    attributes_of,
    changes,
    state_of,
    tokenizer_state,
)
from pytest_interp.adapters.taps import Edit, GradientOf, Notes, Tap, Taps
from pytest_interp.adapters.texts import Texts
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import NotAModelError, UnsupportedSiteError
from pytest_interp.facts.prompts import encode
from pytest_interp.provenance import Provenance


class ModelAdapter(Texts, ABC):
    """A model under one backend. Experiments know this class and no backend.

    ``name``, ``tokenizer``, ``device`` and ``dtype`` are those of its ``weights``. ``n_layers``,
    ``n_heads``, ``n_kv_heads``, ``d_model``, ``d_head`` and ``d_vocab`` are those of its ``sizes``.
    """

    backend: ClassVar[str]

    def __init__(self, weights: Weights) -> None:
        """Wrap these weights.

        Raises:
            UnknownNameError: nobody has described the architecture.
            NotAModelError: its layout names modules that these weights do not have.
        """
        self.weights = weights
        self.name, self.tokenizer = weights.name, weights.tokenizer
        self.device, self.dtype = weights.device, weights.dtype
        self.layout: Layout = layout_of(weights.module.config)
        if why := misfit(self.layout, weights):
            raise NotAModelError(
                f"{self.name} is a {type(weights.module).__name__} {why}: describe its "
                "architecture with pytest_interp.adapters.register_layout(Layout(...))"
            )
        config = weights.module.config.get_text_config()
        self.sizes = Sizes.of(config)
        self.n_layers, self.d_vocab = self.sizes.n_layers, self.sizes.d_vocab
        self.n_heads, self.n_kv_heads = self.sizes.n_heads, self.sizes.n_kv_heads
        self.d_model, self.d_head = self.sizes.d_model, self.sizes.d_head
        self._opened = Opened(weights.module)

    def __repr__(self) -> str:
        return f"<{self.name} under {self.backend}>"

    def copy(self) -> Self:
        """The same model under the same backend, with tensors of its own, to be changed."""
        return type(self)(self.weights.copy())

    def state(self) -> State:
        """What its runs depend on: the weights as they are, and what the backend made of them."""
        seen: Seen = {}
        found = self.weights.state(seen)
        plain: dict[str, object] = {"tokenizer": tokenizer_state(self.tokenizer)}
        for name, value in self._attributes().items():
            if isinstance(value, torch.nn.Module):
                # a backend's copy of the modules shares the tensors: they are compared once
                inside = state_of(value, seen)
                found |= {f"{part} under {self.backend}": what for part, what in inside.items()}
            else:
                plain.setdefault(name, value)
        kind = type(self).__name__
        return found | {f"{n} of {kind}": v for n, v in attributes_of(self, plain).items()}

    def changes(self, before: State) -> list[str]:
        """What differs from an earlier state, in words, as ``tensor lm_head.weight``."""
        return changes(before, self.state())

    def _attributes(self) -> Mapping[str, object]:
        """What a run reads of this object. In place of a wrapper, the torch module inside of it."""
        return {k: v for k, v in vars(self).items() if k not in ("weights", "_opened")}

    def sites(self, kind: SiteKind | str) -> tuple[Site, ...]:
        """All sites of one kind that there are, one per layer (or the only one)."""
        parsed = parse_kind(kind)
        sites = (
            [Site(parsed, n) for n in range(self.n_layers)] if parsed.in_blocks else [Site(parsed)]
        )
        return tuple(site for site in sites if not self.refusal(site))

    def prefix(
        self, tokens: Tensor, after: Prefix | None = None, noise: Tensor | None = None
    ) -> Prefix:
        """Run the tokens [row, pos] that all later rows begin with, for :meth:`run`.

        Rows of a later run come in groups: row i of a group continues row i of these.

        Args:
            tokens: what the rows begin with.
            after: a prefix of as many rows, which comes before the tokens.
            noise: added to what enters the first block [row, pos, d_model].

        Raises:
            ExperimentError: the architecture keeps more of earlier tokens than keys and values.
        """
        return Prefix.of(self.weights.module, self.layout, tokens, after, noise)

    def embed(self, tokens: Tensor, prefix: Prefix | None = None) -> Tensor:
        """What enters the first block [row, pos, d_model], positions included.

        Runs the embedding part of the Hugging Face model, and no block.
        """
        return embed(self.weights.module, self.layout, tokens, prefix)

    @property
    def embedding_std(self) -> float:
        """Standard deviation over all entries of all token embeddings, as the model scales them.

        The unit of Gaussian corruption (Meng et al. 2022, arXiv 2202.05262).
        """
        of_module = embedding_std(self.weights.module.get_input_embeddings(), self.d_vocab)
        return abs(self.layout.embed_scale) * of_module

    def provenance(self, seed: int | None = None) -> Provenance:
        """How a result of this adapter came about: model, backend, versions, git state.

        The fingerprint is that of the weights as they are.

        Raises:
            DamagedWeightsError: modules, hooks or settings of the model were changed after the
                adapter was opened, so that its runs see a part of the change, or nothing of it.
        """
        self._opened.check(self.weights.module, self.name, self.backend)
        config = self.weights.module.config
        bos = getattr(self.tokenizer, "bos_token_id", None)
        made = Provenance(
            model=self.name,
            fingerprint=self.weights.fingerprint,
            source=self.weights.source,
            backend=self.backend,
            device=self.device.type,
            dtype=str(self.dtype).removeprefix("torch."),
            attention=str(getattr(config, "_attn_implementation", "unknown")),
            bos="prepended by the tokenizer" if bos in encode(self.tokenizer, "a")[:1] else "none",
            seed=seed,
        )
        return made.stamped()

    def run(
        self,
        tokens: str | Tensor | Sequence[Sequence[int]],
        capture: Site | str | Iterable[Site | str] = (),
        edits: Mapping[Site, Edit] | Mapping[str, Edit] | None = None,
        *,
        logits: Literal["last", "all"] = "last",
        grad: bool = False,
        gradient_of: GradientOf | None = None,
        prefix: Prefix | None = None,
        notes: Notes | None = None,
    ) -> Run:
        """One forward pass with captures and edits.

        An edit may return more rows than it was given; what follows then runs on all of them.
        Rows join at ``embed``, ``resid_pre``, ``resid_post`` and ``final_norm``. Within a block the
        residual stream goes past the site, so only a batch of one may grow there. Prompts in one
        batch have one length: there is no padding.

        Args:
            tokens: ids [row, pos], or a text.
            capture: a site to copy, or several; ``"resid_post.5"`` is the site of that name.
            edits: for a site, a function from its activation to the new one.
            logits: at the last position alone (one vocabulary product per row), or at all.
            grad: keep the graph, so that ``torch.autograd.grad(..., run.captured[site])`` works.
            gradient_of: from the logits to one number, whose gradients by the captured activations
                are in ``run.gradients``. It is called where the run is made, also elsewhere.
            prefix: what comes before the tokens, run once by :meth:`prefix`. Positions count from
                its end, except the keys of a ``pattern``.
            notes: tensors by names. What edits write into it is there after the run, wherever the
                run is made. Anything else that they keep is lost where runs are sent elsewhere.

        Raises:
            UnsupportedSiteError: a site that the model lacks, or an edit of a read-only one.
            HookError: a hook that did not fire exactly once, an activation of another shape than
                its kind says, or an edit that changed the shape.
            ExperimentError: a prefix of another number of rows.
        """
        captures = sites_of(capture)
        changes: dict[Site, Edit] = {Site.of(site): edit for site, edit in (edits or {}).items()}
        for site in {*captures, *changes}:
            self.check_site(site, edited=site in changes)
        rows = self.as_tokens(tokens)
        if prefix is not None:
            prefix.check_rows(len(rows))
        graph, grad = grad, grad or gradient_of is not None
        with torch.set_grad_enabled(grad):
            start: Edit | None = None
            if changes and len(rows) > 1 and not self.layout.one_batch:
                # The mask of one row broadcasts over a batch that grows, that of several does
                # not: begin with one row and let the others join where the first block begins.
                embedded, rows = self.embed(rows, prefix), rows[:1]
                start = lambda _: embedded  # noqa: E731
            shapes, together = self._shapes(rows.shape[1]), self.layout.one_batch
            taps = Taps(
                captures, changes, grad, start, shapes, self.device, together, notes, gradient_of
            )
            keep = 0 if logits == "all" or self.layout.cuts_positions else 1
            out = self._forward(rows, taps.plan(), keep, prefix).to(self.device)
            out = out[:, -1:] if logits == "last" else out
            taps.check_fired(str(self))
            taps.differentiate(out)
            if prefix is not None:
                prefix.check_read(str(self))
        captured, gradients = map(MappingProxyType, (taps.captured, taps.gradients))
        return Run(logits=out if graph else out.detach(), captured=captured, gradients=gradients)

    def _shapes(self, n_tokens: int) -> Shapes:
        return Shapes(str(self), {**self.sizes.dims, "pos": n_tokens, "query": n_tokens})

    def check_site(self, site: Site, *, edited: bool = False) -> None:
        """Refuse a site that this model does not have.

        Raises:
            UnsupportedSiteError: the model lacks it, the backend has no place for it, or an edit
                of a read-only one is asked for.
        """
        if why := self.refusal(site, edited=edited):
            raise UnsupportedSiteError(f"site {site} {why}")

    def refusal(self, site: Site, *, edited: bool = False) -> str:
        """Why this model has no such site, or why it cannot be edited; empty where it has one."""
        return refusal(self, site, edited, self._finds)

    @abstractmethod
    def _finds(self, kind: SiteKind) -> bool:
        """Whether this backend knows where such sites are on this architecture."""

    @abstractmethod
    def _forward(
        self, tokens: Tensor, taps: Mapping[Site, Tap], logits_to_keep: int, prefix: Prefix | None
    ) -> Tensor:
        """Run one pass, calling each tap once with the activation at its site.

        ``taps`` comes in execution order and holds every kind but ``embed``, with the shapes that
        :mod:`pytest_interp.adapters.sites` gives. ``logits_to_keep`` counts final positions; 0
        means all. Returns the logits.
        """
