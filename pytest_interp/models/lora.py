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
INERT = (
    *("auto_mapping", "base_model_name_or_path", "peft_type", "peft_version", "revision"),
    *("task_type", "inference_mode", "lora_dropout", "init_lora_weights", "megatron_core"),
    *("corda_config", "eva_config", "loftq_config", "lora_ga_config", "qalora_group_size"),
    *("runtime_config", "ensure_weight_tying"),
)
"""Keys that change nothing of what is merged. What any other asks for is not known here, or cannot
be merged, or is code that would be run."""
PLAIN_STARTS = (True, False, None, "true", "gaussian", "eva", "orthogonal")
"""Values of ``init_lora_weights`` that leave the weights of the base as they are. Others, as PiSSA,
take out of the base what the adapter starts with, and belong to a base that nobody has saved."""
_PREFIX = "base_model.model."


def base_of(folder: Path) -> tuple[str, str | None]:
    """The name of the model that an adapter belongs to, by its config, and the revision.

    Raises:
        NotAModelError: it does not say.
    """
    said = read_object(folder / CONFIG)
    base, revision = said.get("base_model_name_or_path"), said.get("revision")
    if not isinstance(base, str) or not base:
        raise NotAModelError(
            f"{folder / CONFIG} names no base model: write its hub id or its folder as "
            "base_model_name_or_path"
        )
    if not isinstance(revision, str | None):
        raise NotAModelError(f"{folder / CONFIG} has {revision!r} as the revision of its base")
    return base, revision or None


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
    yourself = "Merge it yourself, save the model, and give that folder"
    if asked := [key for key in config if config[key] and key not in (*READ, *INERT)]:
        raise NotAModelError(
            f"{folder / CONFIG} asks for {', '.join(asked)}, which cannot be merged here. "
            f"{yourself}"
        )
    if (start := config.get("init_lora_weights")) not in PLAIN_STARTS:
        raise NotAModelError(
            f"{folder / CONFIG} has {start!r} as init_lora_weights, which changes the weights of "
            "the base: the adapter does not fit those that were saved. Save it again with "
            f"path_initial_model_for_weight_conversion. Or: {yourself.lower()}"
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
        NotAModelError: the adapter is of another model, cannot be merged, or overwrites weights of
            the base.
        DamagedWeightsError: its safetensors cannot be read.
    """
    from pytest_interp.models.shards import opened

    said = read_object(folder / CONFIG)
    with opened([folder / TENSORS]) as slices:
        tensors = {name: part[:] for name, part in slices.items()}
    if odd := sorted(name for name in tensors if not _belongs(name, module, said)):
        raise NotAModelError(
            f"the adapter in {folder} would overwrite weights of its base: {len(odd)} of its "
            f"tensors are no LoRA, nor named in modules_to_save; the first is {odd[0]!r}"
        )
    try:
        from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    except ImportError as error:
        raise InterpError(
            f"{folder} is a LoRA adapter, and peft, which merges it, is not installed. Run: "
            "pip install 'pytest-interp[peft]'"
        ) from error
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
    try:
        whole: PreTrainedModel = model.merge_and_unload(safe_merge=True)
    except Exception as error:  # as where a number of it is NaN
        raise NotAModelError(
            f"the adapter in {folder} cannot be merged into its base model ({described(error)})"
        ) from error
    return whole


def _belongs(name: str, module: PreTrainedModel, said: dict[str, Any]) -> bool:
    """Whether a tensor of an adapter is a part of LoRA, or what its config says is saved whole.

    Embeddings are saved where the tokenizer has new tokens, whatever the config says.
    """
    if "lora_" in name or not name.startswith(_PREFIX):
        return True  # what has no place is refused later, by its name
    ends = {module.get_input_embeddings(), module.get_output_embeddings()}
    whole = [path for path, one in module.named_modules() if one in ends]
    saved = said.get("modules_to_save") or ()
    path = name.removeprefix(_PREFIX).removesuffix(".weight").removesuffix(".base_layer")
    return (
        path in whole
        or any(one in path.split(".") for one in saved if isinstance(one, str))
        or (said.get("bias", "none") != "none" and path.endswith(".bias"))
    )
