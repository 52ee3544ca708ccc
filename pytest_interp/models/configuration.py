"""The config of a model's folder: what it says of the model counts, what it asks of us does not."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import NotAModelError, described
from pytest_interp.models.files import read_object

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

CONFIG = "config.json"
ATTENTION = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")
OURS = {
    *ATTENTION,  # a value such as "org/name" is fetched from the hub and run
    "experts_implementation",
    "_experts_implementation",
    "_experts_implementation_internal",
    "fusion_config",
    "kernel_config",
    "use_kernels",
    "distributed_config",
    "auto_map",  # code in the folder or on the hub
    "custom_pipelines",
    "configuration_files",  # another config in the place of this one
    "architectures",  # the class that was saved, not the one that is opened
    "transformers_weights",  # other weights in the place of those that were checked
    "dtype",
    "torch_dtype",
    "_name_or_path",
    "name_or_path",
    "_commit_hash",
    "return_dict",
    "use_return_dict",
    "torchscript",
    "output_attentions",
    "output_hidden_states",
    "num_labels",  # of classifiers; a label is made for each, however many
    "id2label",
    "label2id",
    "problem_type",
}
"""Keys that say how to run a model, and not what it computes. That is for this package to say."""


def config_problems(folder: Path) -> list[str]:
    """What keeps ``config.json`` from being one, in words; empty for a config."""
    try:
        config = read_object(folder / CONFIG)
    except NotAModelError as error:
        return [str(error)]
    if not isinstance(config.get("model_type"), str):
        return [f"{CONFIG} has no model_type"]
    for key in ("quantization_config", "compression_config"):
        if config.get(key):
            return [
                f"{CONFIG} says by its {key} that the weights are quantised: experiments need"
                " plain ones, so dequantise the model and save that"
            ]
    return []


def read_config(folder: Path) -> PreTrainedConfig:
    """The config, without what it asks of the program that loads it (:data:`OURS`).

    Warns where it asks for another attention than the eager one that is used.

    Raises:
        NotAModelError: transformers cannot make a config of it.
    """
    from transformers import AutoConfig

    said = read_object(folder / CONFIG)
    asked = {str(said[key]) for key in ATTENTION if said.get(key) not in (None, "eager")}
    if asked:
        warnings.warn(
            f"{folder / CONFIG} asks for the attention {' and '.join(sorted(asked))}, which is not"
            " used: attention is eager, so that every step of it can be read",
            stacklevel=2,
        )
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / CONFIG).write_text(json.dumps(_without_ours(said)), encoding="utf-8")
        try:
            return AutoConfig.from_pretrained(
                scratch, local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # a config can be wrong in any way
            own = " It names code of its own (auto_map), which is never run." * ("auto_map" in said)
            raise NotAModelError(
                f"transformers cannot use {folder / CONFIG} ({described(error)}).{own}"
            ) from error


def _without_ours(value: Any) -> Any:
    """The same, at any depth: a model of several parts has a config for each."""
    if isinstance(value, list):
        return [_without_ours(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_ours(item) for key, item in value.items() if key not in OURS}
    return value
