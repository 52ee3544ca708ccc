"""What a spec file holds, and reading one with all that it names.

Nothing here loads a model or imports torch: a spec is checked while tests are collected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from pytest_interp.adapters.backends import backend_names, check_remote, known_backend
from pytest_interp.documents import MAX_MISTAKES, Document, Location, check_below, read_document
from pytest_interp.errors import InterpError, SpecError
from pytest_interp.experiments.registry import EXPERIMENTS, Experiment
from pytest_interp.models.devices import DEVICES, DTYPES, check_device, check_dtype
from pytest_interp.models.registry import find_model
from pytest_interp.specs.claims import Claim, make_claim
from pytest_interp.specs.inputs import looked_up, named
from pytest_interp.validation import validated

SEED = "seed"
"""An experiment whose config has this field gets the seed of the spec in it."""


def _checked(check: Callable[[str], str], **schema: Any) -> tuple[Any, Any]:
    """Annotations of a text: what checks it, and what editors are told of it."""

    def checked(name: str) -> str:
        try:
            return check(name)
        except InterpError as error:
            raise ValueError(str(error)) from None  # the form in which pydantic adds the key

    return AfterValidator(checked), Field(json_schema_extra=schema)


_Backend = Annotated[str, *_checked(known_backend, enum=list(backend_names()))]
_Device = Annotated[str, *_checked(check_device, pattern=rf"^(auto|({'|'.join(DEVICES)})(:\d+)?)$")]
_Remote = Annotated[str, *_checked(check_remote, pattern=r"^(local|ndif|https?://.+)$")]
_Dtype = Annotated[str, *_checked(check_dtype, enum=["auto", *DTYPES])]

# told apart by hand: of a plain union pydantic would tell the mistakes of both
_Models = Annotated[
    Annotated[str, Tag("one[str]")] | Annotated[list[str], Field(min_length=1), Tag("list[str]")],
    Discriminator(lambda value: "list[str]" if isinstance(value, list) else "one[str]"),
]


class SpecFile(BaseModel):
    """The keys of a spec file."""

    model_config = ConfigDict(extra="forbid", strict=True, title="pytest-interp spec")

    model: _Models = Field(
        description="a registered name, a hub id org/name, or a folder; or a list of them: pytest "
        "checks each claim on each, and pytest-interp run takes the first"
    )
    experiment: str = Field(description="the name of an experiment")
    inputs: dict[str, Any] = Field(description="the inputs of the experiment")
    backends: list[_Backend] = Field(
        default_factory=list,
        description="pytest checks each claim under each of these, by default under all that are "
        "installed; pytest-interp run takes the first, by default the model's own",
    )
    device: _Device | None = Field(
        default=None, description="by default the first there is of cuda, mps, cpu"
    )
    dtype: _Dtype | None = Field(
        default=None, description="by default bfloat16 on cuda and float32 elsewhere"
    )
    remote: _Remote | None = Field(
        default=None,
        description="where the runs are made, under nnsight: ndif, the address of a server, or "
        "local, which sends them as to a server and runs them here; by default where the model's "
        "entry says, else here",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="for experiments that draw random numbers"
    )
    facts_file: str | None = Field(
        default=None,
        description="where ids of facts are looked up, relative to this file; by default in the "
        "facts that the package ships",
    )
    prompts_file: str | None = Field(
        default=None,
        description="the labelled prompts that prompts: all stands for, relative to this file",
    )
    claims: list[dict[str, Any]] = Field(
        default_factory=list, description="one key each: what is claimed, and its arguments"
    )
    baseline: bool = Field(default=False, description="compare the result with a saved one")
    marks: list[str] = Field(default_factory=list, description="pytest marks of all its items")
    fixtures: list[str] = Field(
        default_factory=list, description="pytest fixtures that all its items use"
    )


@dataclass(frozen=True)
class Spec:
    """A spec file that was read, with all names found and all values checked."""

    document: Document
    settings: SpecFile
    experiment: Experiment
    config: Any
    """The experiment's own config."""
    claims: tuple[Claim, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return self.document.path

    @property
    def models(self) -> tuple[str, ...]:
        """The models that the file names, each once."""
        named = self.settings.model
        return (named,) if isinstance(named, str) else tuple(dict.fromkeys(named))

    def resolved(self) -> dict[str, Any]:
        """The spec with defaults written out, and facts and prompts in place of names."""
        settings = self.settings.model_dump(mode="json", exclude={"facts_file", "prompts_file"})
        inputs = self.experiment.dump(self.config)
        inputs.pop(SEED, None)
        return {**settings, "inputs": inputs}


def inputs_schema(experiment: Experiment) -> dict[str, Any]:
    """JSON Schema of the inputs that a spec file gives: the config without its seed."""
    schema = experiment.schema()
    schema.get("properties", {}).pop(SEED, None)
    if SEED in schema.get("required", []):
        schema["required"].remove(SEED)
    return schema


def read_spec(
    path: Path,
    change: Callable[[Document], None] | None = None,
    folders: Sequence[Path] | None = None,
) -> Spec:
    """Read and check a spec file.

    Args:
        path: the file.
        change: may put other values in before they are checked, as a command line does.
        folders: what the spec names by a path lies below one of them, and a spec there is no link
            out of them; by default the folder of the spec.

    Raises:
        SpecError: the file has mistakes. The message has a line for each, which begins with the
            place in the file.
    """
    folders = [path.parent] if folders is None else folders
    if any(path.absolute().is_relative_to(folder.absolute()) for folder in folders):
        check_below(path, folders)
    document = read_document(path)
    if change is not None:
        change(document)
    settings = validated(
        document,
        (),
        SpecFile.model_json_schema(),
        lambda: SpecFile.model_validate(document.data),
        partial(_among_inputs, document),
    )
    experiment = named(document, ("experiment",), lambda: EXPERIMENTS.find(settings.experiment))
    for place, model in _models(settings):
        named(document, place, partial(find_model, model))
    config = _configure(document, settings, experiment, folders)
    claims = _claims(document, experiment, len(settings.claims))
    if not claims and not settings.baseline and change is None:
        raise document.error((), "the spec checks nothing: give it claims, or baseline: true")
    return Spec(document, settings, experiment, config, claims)


def _models(settings: SpecFile) -> list[tuple[Location, str]]:
    """Each model that the file names, and where."""
    if isinstance(settings.model, str):
        return [(("model",), settings.model)]
    return [(("model", index), name) for index, name in enumerate(settings.model)]


def _claims(document: Document, experiment: Experiment, n: int) -> tuple[Claim, ...]:
    made, wrong = [], []
    for index in range(n):
        try:
            made.append(make_claim(document, index, experiment))
        except SpecError as error:
            wrong.append(str(error))
    if wrong:
        raise SpecError("\n".join(wrong[:MAX_MISTAKES]))
    return tuple(made)


def _configure(
    document: Document, settings: SpecFile, experiment: Experiment, folders: Sequence[Path]
) -> Any:
    """The experiment's config, its facts and prompts found by their names."""
    inputs = dict(settings.inputs)
    if SEED in inputs:
        raise document.error(
            ("inputs", SEED), "the seed is a key of the file, not one of its inputs: seed: 7"
        )
    files = {"facts": settings.facts_file, "prompts": settings.prompts_file}
    inputs = looked_up(document, inputs, files, folders)
    if SEED in experiment.schema().get("properties", {}):
        inputs[SEED] = settings.seed
    schema = inputs_schema(experiment)
    made = partial(experiment.configure, inputs)
    return validated(document, ("inputs",), schema, made, _among_settings)


def _among_inputs(document: Document, key: str) -> str:
    """That a key of the file is meant as an input, where the experiment that is named has it."""
    name = document.data.get("experiment")
    if not isinstance(name, str) or name not in EXPERIMENTS:
        return ""
    known = EXPERIMENTS.find(name).schema().get("properties", {})
    return "it belongs below inputs" if key in known else ""


def _among_settings(key: str) -> str:
    """That an input is meant as a key of the file."""
    return "it belongs beside inputs, not below" if key in SpecFile.model_fields else ""
