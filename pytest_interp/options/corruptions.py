"""How the corrupt run is made. torch is imported when noise is drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_type_hints

from pytest_interp.errors import ExperimentError, InterpError, PromptError
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact
from pytest_interp.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from pytest_interp.adapters.base import ModelAdapter


@dataclass(frozen=True)
class Corruption(ABC):
    """A way to make the corrupt run of a fact: by other tokens, by adding to embeddings, or both.

    A subclass is a frozen dataclass whose fields are its parameters; ``__post_init__`` may refuse
    their values. It is added by :func:`register_corruption`.
    """

    name: ClassVar[str]
    """The name by which a trace asks for it."""
    prefers_counterfactual: ClassVar[bool]
    """Whether a model that knows the fact prefers the counterfactual answer in the corrupt run."""

    @property
    def n_samples(self) -> int:
        """Corrupt runs of one fact, over which values are averaged."""
        return 1

    @abstractmethod
    def ids(self, fact: TokenizedFact) -> tuple[int, ...]:
        """Token ids of the corrupt run, as many as the clean run has.

        Raises:
            PromptError: the fact lacks what is needed.
        """

    @abstractmethod
    def positions(self, fact: TokenizedFact) -> tuple[int, ...]:
        """Positions at which the two runs differ from the start."""

    def noise(self, fact: TokenizedFact, adapter: ModelAdapter) -> Tensor | None:
        """What is added to the embeddings of the corrupt run [sample, pos, d_model], if anything.

        On the CPU, and independent of the other facts that are traced.
        """
        return None

    def describe(self, fact: FactPrompt) -> str:
        """The corrupt run in words, for the title of a figure."""
        return self.name

    def seeded(self, seed: int) -> Self:
        """The same with this seed, where it has a field ``seed`` and none was chosen."""
        return replace(self, **{"seed": seed}) if getattr(self, "seed", 0) is None else self

    def __str__(self) -> str:
        return self.name

    def to_json(self) -> dict[str, Any]:
        """As a result names it: with its parameters, but for the seed."""
        own = asdict(self)
        scale = own.pop("scale", None)
        named = {"corruption": self.name, "samples": self.n_samples, "noise_scale": scale}
        return named | {k: v for k, v in own.items() if k not in ("seed", "samples")}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            _validated,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda made: {"name": made.name, **asdict(made)} if fields(made) else made.name
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        name = {"type": "string", "enum": CORRUPTIONS.names()}
        parameters = {"type": "object", "required": ["name"], "additionalProperties": True}
        return {"anyOf": [name, {**parameters, "properties": {"name": name}}]}


def _accept(name: str, thing: Any) -> type[Corruption]:
    if not (isinstance(thing, type) and issubclass(thing, Corruption) and is_dataclass(thing)):
        raise InterpError(f"a corruption is a dataclass that is a Corruption, got {thing!r}")
    return thing


CORRUPTIONS: Registry[type[Corruption]] = Registry("corruption", accept=_accept)


def register_corruption(kind: type[Corruption], *, replace: bool = False) -> type[Corruption]:
    """Add a corruption, as a decorator does: traces may then ask for it by its name.

    Raises:
        InterpError: the name is taken, or it is no dataclass derived from Corruption.
    """
    return CORRUPTIONS.add(kind.name, _accept(kind.name, kind), replace=replace)


def corruption_of(corruption: str | Corruption) -> Corruption:
    """The corruption of this name with its own defaults, or the corruption itself.

    Raises:
        UnknownNameError: there is none.
    """
    return corruption if isinstance(corruption, Corruption) else CORRUPTIONS.find(corruption)()


def _validated(given: Any) -> Corruption:
    """From a file: a name, or a mapping of the name and the parameters."""
    from pydantic import ConfigDict, create_model

    if isinstance(given, Corruption):
        return given
    parameters = dict(given) if isinstance(given, dict) else {"name": given}
    name = parameters.pop("name", None)
    if not isinstance(name, str):
        raise ValueError("give the name of a corruption, or a mapping with the key name")
    kind = CORRUPTIONS.find(name, ValueError)
    hints = get_type_hints(kind)
    known: dict[str, Any] = {
        f.name: (hints[f.name], ... if f.default is MISSING else f.default) for f in fields(kind)
    }
    for key in parameters.keys() - known:
        has = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
        raise ValueError(f"{name} has no parameter {key!r}: {has}")
    model = create_model(kind.__name__, __config__=ConfigDict(strict=True), **known)
    return kind(**vars(model.model_validate(parameters)))


@register_corruption
@dataclass(frozen=True)
class Interchange(Corruption):
    """The corrupt prompt is run: token replacement (Zhang and Nanda 2023, arXiv 2309.16042)."""

    name: ClassVar[str] = "interchange"
    prefers_counterfactual: ClassVar[bool] = True

    def ids(self, fact: TokenizedFact) -> tuple[int, ...]:
        if not fact.corrupt_ids:
            raise PromptError(
                f"{fact.fact.clean_prompt!r} has no corrupt_prompt, and interchange runs one: give "
                "it, or trace with corruption='gaussian'",
                about="corrupt_prompt",
            )
        return fact.corrupt_ids

    def positions(self, fact: TokenizedFact) -> tuple[int, ...]:
        return fact.corrupted_positions

    def describe(self, fact: FactPrompt) -> str:
        return str(fact.corrupt_prompt)


@register_corruption
@dataclass(frozen=True)
class Gaussian(Corruption):
    """The clean prompt is run with noise on the embeddings of its subject.

    Meng et al. 2022 (ROME, arXiv 2202.05262).

    Raises:
        ExperimentError: a scale that is not above 0, or no sample.
    """

    name: ClassVar[str] = "gaussian"
    prefers_counterfactual: ClassVar[bool] = False

    scale: float = 3.0
    """Standard deviation of the noise, in standard deviations of the token embeddings."""
    samples: int = 8
    """Noise samples over which values are averaged."""
    seed: int | None = None
    """The same seed gives the same noise on every backend and device. The default is the seed of
    the spec, or 0."""

    def __post_init__(self) -> None:
        wrong = "" if self.samples >= 1 else f"samples={self.samples!r}: give at least one sample"
        if not self.scale > 0:
            wrong = f"scale={self.scale!r}: give a scale above 0"
        if wrong:
            raise ExperimentError(wrong, about="corruption")

    @property
    def n_samples(self) -> int:
        return self.samples

    def ids(self, fact: TokenizedFact) -> tuple[int, ...]:
        return fact.clean_ids

    def positions(self, fact: TokenizedFact) -> tuple[int, ...]:
        return fact.subject_positions

    def noise(self, fact: TokenizedFact, adapter: ModelAdapter) -> Tensor:
        import torch

        generator = torch.Generator().manual_seed(self.seed or 0)
        positions = list(fact.subject_positions)
        drawn = torch.zeros(self.samples, len(fact), adapter.d_model)
        noise = torch.randn(drawn[:, positions].shape, generator=generator)
        drawn[:, positions] = self.scale * adapter.embedding_std * noise
        return drawn

    def describe(self, fact: FactPrompt) -> str:
        return f"noise on the subject ({self.samples} samples)"
