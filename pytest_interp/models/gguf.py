"""From a quantised GGUF file to a float32 checkpoint with safetensors."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from pytest_interp.errors import DamagedWeightsError
from pytest_interp.models.checkpoint import quiet
from pytest_interp.progress import report


def convert(parts: Sequence[Path], sha256: str, folder: Path, remedy: str) -> None:
    """Check the file (given in parts), dequantise it and write the checkpoint into ``folder``.

    Raises:
        DamagedWeightsError: the hash of the file is another; the message ends with ``remedy``,
            the command that brings the right one.
    """
    _verify(parts, sha256, remedy)
    what = f"dequantising {parts[0].name} (once; the result is kept)"
    report(what, 0, 1)
    with _joined(parts, folder.with_name("joined.gguf")) as whole:
        _dequantise(whole, folder)
    report(what, 1, 1)


@contextlib.contextmanager
def _joined(parts: Sequence[Path], scratch: Path) -> Iterator[Path]:
    """The one part, or all of them joined in a file that is deleted afterwards."""
    if len(parts) == 1:
        yield parts[0]
        return
    try:
        with scratch.open("wb") as target:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, target, 1 << 20)
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def _verify(parts: Sequence[Path], sha256: str, remedy: str) -> None:
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    if digest.hexdigest() != sha256:
        raise DamagedWeightsError(
            f"the SHA-256 of {', '.join(map(str, parts))} is {digest.hexdigest()}, expected"
            f" {sha256}: the file was changed or cut off, or is of another version of its package."
            f" Run: {remedy}"
        )


def _dequantise(file: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet(), _parsed_once(), contextlib.redirect_stderr(io.StringIO()):  # its bar is on stderr
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        module = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        )
        # it is no longer quantised, but transformers refuses to save while it is marked so
        vars(module.config).pop("quantization_config", None)
        module.hf_quantizer = None
        module.is_quantized = False
        module.save_pretrained(folder, max_shard_size="100GB")
        tokenizer.save_pretrained(folder)


@contextlib.contextmanager
def _parsed_once() -> Iterator[None]:
    """Let transformers share one parse of the file.

    It parses the vocabulary anew for the tokenizer, the config and the tensors, and each parse
    takes as long as everything else.
    """
    import gguf

    reader = gguf.GGUFReader
    gguf.GGUFReader = functools.cache(reader)
    try:
        yield
    finally:
        gguf.GGUFReader = reader
