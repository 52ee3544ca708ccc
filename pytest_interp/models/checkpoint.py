"""A folder with a Hugging Face causal language model: what must be in it, and opening it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.adapters.layouts import ARCHITECTURES
from pytest_interp.errors import InterpError, NotAModelError, described
from pytest_interp.models.configuration import CONFIG, config_problems, read_config
from pytest_interp.models.shards import INDEX, find_shards, opened
from pytest_interp.models.tokenizer import TOKENIZER_FILES, open_tokenizer, tokenizer_problems

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

FILES = (
    CONFIG,
    "generation_config.json",
    "model*.safetensors",
    INDEX,
    *TOKENIZER_FILES,
    "tokenizer_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.jinja",
)
"""What is fetched from a hub repository: never a pickle."""
SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size")


def folder_problems(folder: Path) -> list[str]:
    """What keeps the folder from being a model, in words; empty for a model."""
    if not folder.is_dir():
        return ["it is a file, not a folder" if folder.exists() else "it does not exist"]
    problems = config_problems(folder)
    try:
        find_shards(folder)
    except NotAModelError as error:
        problems.append(str(error))
    return problems + tokenizer_problems(folder)


def check_folder(folder: Path) -> None:
    """Raise unless the folder looks like a model. Reads no weights.

    Raises:
        NotAModelError: it does not; the message lists all that is missing.
    """
    if problems := folder_problems(folder):
        raise NotAModelError(
            f"{folder} holds no model that can be loaded: {'; '.join(problems)}. Expected a folder"
            " as model.save_pretrained(folder) and tokenizer.save_pretrained(folder) write it."
        )


def open_checkpoint(
    folder: Path, dtype: torch.dtype
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the model, with eager attention, and its tokenizer. Runs no code of the folder.

    Raises:
        NotAModelError: no model, not a causal language model, or its tensors are not those that
            its config asks for.
        DamagedWeightsError: the safetensors cannot be read.
        MemoryLimitError: the weights take more memory than is free.
    """
    check_folder(folder)
    try:
        with quiet():
            module = _open_module(folder, dtype)
            return module, open_tokenizer(folder, module)
    except InterpError:
        raise
    except Exception as error:  # the files can be wrong in any way
        raise NotAModelError(
            f"transformers cannot load {folder} as a causal language model: {described(error)}"
        ) from error


def _open_module(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    import torch

    from pytest_interp.models.room import check_room

    config: Any = read_config(folder)
    kind = _class_of(config)
    if kind is None:
        raise NotAModelError(
            f"{folder} holds a {config.model_type}, of which transformers makes no causal language"
            " model"
        )
    if not isinstance(config, kind.config_class):  # of a model that also sees, the half that reads
        config = config.get_text_config()
    with opened(find_shards(folder)) as tensors:
        held = _check_size(folder, kind, config, tensors)
        check_room(f"the model in {folder}", held, dtype, torch.device("cpu"))
        # the tensors are given, so transformers looks for no files of its own
        module, info = kind.from_pretrained(
            None,
            config=config,
            state_dict=tensors,
            dtype=dtype,
            attn_implementation="eager",
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by their names
        )
    module.config.name_or_path = str(folder)
    module.config.architectures = [type(module).__name__]
    _check_tensors(folder, module, info)
    return module


def _class_of(config: PreTrainedConfig) -> Any:
    """The class that reads text; of a model that also sees, one that may have no such half."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    kind = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if kind is None:
        kind = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING.get(type(config), None)
    return kind


def _check_size(folder: Path, kind: Any, config: PreTrainedConfig, tensors: Any) -> int:
    """Refuse a config of a model that is far larger than its weights, before memory is taken.

    Returns how many numbers the weights are.
    """
    import torch

    sizes = config.get_text_config()
    slides = "sliding_attention" in (getattr(sizes, "layer_types", None) or ())
    for key in (*SIZES, "sliding_window") if slides else SIZES:
        size = getattr(sizes, key, None)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise NotAModelError(
                f"the config in {folder / CONFIG} has {size!r} as {key}: expected a number above 0"
            )
    held: int = sum(math.prod(tensor.get_shape()) for tensor in tensors.values())
    layers = sizes.num_hidden_layers
    if layers <= len(tensors):
        with torch.device("meta"):
            asked = sum(tensor.numel() for tensor in kind(config).parameters())
        if asked <= 2 * held:  # tied weights are held once and asked for twice
            return held
    raise NotAModelError(
        f"config.json and weights in {folder} do not fit: the config asks for {layers} layers"
        f" and the weights are {len(tensors)} tensors of {held} numbers, which is too few"
    )


def _check_tensors(folder: Path, module: PreTrainedModel, info: Any) -> None:
    remedy = "They belong to another model, or were saved in part."
    if missing := sorted(info["missing_keys"]):
        # transformers would go on with random numbers in their place
        raise NotAModelError(
            f"the weights in {folder} lack {len(missing)} tensors that its config.json asks for,"
            f" the first is {missing[0]!r}. {remedy}"
        )
    if mismatched := sorted(info["mismatched_keys"]):
        name, found, asked = mismatched[0]
        raise NotAModelError(
            f"{len(mismatched)} tensors in {folder} have other shapes than its config.json asks"
            f" for, the first is {name!r}: {list(found)}, expected {list(asked)}. {remedy}"
        )
    surplus, kind = sorted(info["unexpected_keys"]), str(module.config.model_type)
    if kind in ARCHITECTURES:
        surplus = ARCHITECTURES.find(kind).unexpected(surplus)
    if surplus:
        raise NotAModelError(
            f"the weights in {folder} hold {len(surplus)} tensors for which its config.json has no"
            f" place, the first is {surplus[0]!r}. They belong to another model, or the config was"
            " changed. Where the architecture leaves such tensors over, name them in the"
            " leftovers of its layout: pytest_interp.adapters.register_layout."
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and notes of transformers inside this block."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
