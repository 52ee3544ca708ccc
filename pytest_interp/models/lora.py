"""LoRA adapters: read as safetensors, and merged into a model. Nothing else of them is opened."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import InterpError, NotAModelError, described
from pytest_interp.models.files import read_object

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONFIG = "adapter_config.json"
TENSORS = "adapter_model.safetensors"
READ = (
    "r",
    "lora_alpha",
    "target_modules",
    "exclude_modules",
    "fan_in_fan_out",
    "bias",
    "use_rslora",
    "use_dora",
    "modules_to_save",
    "layers_to_transform",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
    "lora_bias",
    "target_parameters",
)
"""The keys of its config that say what it computes once it is merged."""
REFUSED = (
    "alora_invocation_tokens",
    "arrow_config",
    "layer_replication",
    "megatron_config",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
)
"""Keys of what cannot be merged, or of code that would be run."""


def base_of(folder: Path) -> str:
    """The name of the model that an adapter belongs to, by its config.

    Raises:
        NotAModelError: it does not say.
    """
    base = read_object(folder / CONFIG).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise NotAModelError(
            f"{folder / CONFIG} names no base model: write its hub id or its folder as "
            "base_model_name_or_path"
        )
    return base


def check_folder(folder: Path) -> None:
    """Raise unless the folder holds a LoRA adapter that can be merged. Reads no weights.

    Raises:
        NotAModelError: it does not; the message says why.
    """
    config = read_object(folder / CONFIG)
    if (kind := config.get("peft_type")) != "LORA":
        raise NotAModelError(
            f"{folder / CONFIG} is of the adapter type {kind!r}: only LORA can be merged into the "
            "weights of its base. Merge it yourself, save the model, and give that folder"
        )
    if asked := [key for key in REFUSED if config.get(key)]:
        raise NotAModelError(
            f"{folder / CONFIG} asks for {', '.join(asked)}, which cannot be merged here. Merge it "
            "yourself, save the model, and give that folder"
        )
    if not (folder / TENSORS).is_file():
        raise NotAModelError(
            f"{folder} has no {TENSORS}. Other formats are pickles, which can run code when they "
            "are opened, and are not read: save the adapter again with a current peft"
        )


def merged(module: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The model with the adapter in its weights. Changes the given module.

    Raises:
        InterpError: peft is not installed.
        NotAModelError: the adapter is of another model, or cannot be merged.
        DamagedWeightsError: its safetensors cannot be read.
    """
    from pytest_interp.models.shards import opened

    try:
        from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    except ImportError as error:
        raise InterpError(
            f"{folder} is a LoRA adapter, and peft, which merges it, is not installed. Run: "
            "pip install 'pytest-interp[peft]'"
        ) from error
    said = read_object(folder / CONFIG)
    with opened([folder / TENSORS]) as slices:
        tensors = {name: part[:] for name, part in slices.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what peft asks of other versions of transformers
            config = LoraConfig(**{key: said[key] for key in READ if said.get(key) is not None})
            model: Any = get_peft_model(module, config, autocast_adapter_dtype=False)
            found = set_peft_model_state_dict(model, tensors)
    except Exception as error:  # the config can be wrong in any way
        raise NotAModelError(
            f"the adapter in {folder} does not fit its base model ({described(error)})"
        ) from error
    asked = {name for name in model.state_dict() if "lora_" in name or "modules_to_save" in name}
    missing = sorted(asked & set(found.missing_keys))
    if odd := missing + sorted(found.unexpected_keys):
        raise NotAModelError(
            f"the adapter in {folder} does not fit its base model: {len(missing)} tensors are "
            f"missing and {len(odd) - len(missing)} have no place, the first is {odd[0]!r}"
        )
    whole: PreTrainedModel = model.merge_and_unload(safe_merge=True)
    return whole
