"""A folder with a Hugging Face causal language model: what must be in it, and opening it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import DamagedWeightsError, NotAModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
FILES = (
    "config.json",
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


def folder_problems(folder: Path) -> list[str]:
    """What keeps the folder from being a model, in words; empty for a model."""
    if not folder.is_dir():
        return ["it is a file, not a folder" if folder.exists() else "it does not exist"]
    problems = [*_config_problems(folder), *_weights_problems(folder)]
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        problems.append(f"no tokenizer (one of {', '.join(TOKENIZER_FILES)})")
    return problems


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
        NotAModelError: no model, not a causal language model, or tensors are missing.
        DamagedWeightsError: the safetensors cannot be read.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    check_folder(folder)
    try:
        with quiet():
            module, info = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype,
                attn_implementation="eager",
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except SafetensorError as error:
        raise DamagedWeightsError(
            f"the safetensors in {folder} cannot be read ({error}): the file is cut off or"
            " overwritten. Copy or download it again."
        ) from error
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise NotAModelError(
            f"transformers cannot load {folder} as a causal language model: {error}"
        ) from error
    if missing := sorted(info["missing_keys"]):
        # transformers would go on with random numbers in their place
        raise NotAModelError(
            f"the weights in {folder} lack {len(missing)} tensors that its config.json asks for,"
            f" the first is {missing[0]!r}. They belong to another model or were saved in part."
        )
    return module, tokenizer


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


def _config_problems(folder: Path) -> Iterator[str]:
    config = _json(folder / "config.json")
    if (folder / "config.json").is_file():
        if config is None:
            yield "config.json is not valid JSON"
        elif "model_type" not in config:
            yield "config.json has no model_type"
    elif (folder / "adapter_config.json").is_file():
        yield "it holds a LoRA adapter: merge it into its base model and save that"
    else:
        yield "no config.json"


def _weights_problems(folder: Path) -> Iterator[str]:
    if (folder / INDEX).is_file():
        shards = (_json(folder / INDEX) or {}).get("weight_map")
        if not isinstance(shards, dict):
            yield f"{INDEX} has no weight_map"
        else:
            missing = {shard for shard in shards.values() if not (folder / shard).is_file()}
            yield from (f"no {shard}" for shard in sorted(missing))
    elif not (folder / WEIGHTS).is_file():
        pickles = sorted(file.name for file in folder.glob("*.bin"))
        why = (
            f" (only {', '.join(pickles)}: a pickle can run code when it is opened, so only"
            " safetensors are read; save the model again with a current transformers)"
        )
        yield f"no {WEIGHTS}{why if pickles else ''}"


def _json(file: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where it holds none."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
