"""Weights in files of the user's own: a GGUF file, and a LoRA adapter with its base model."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pytest_interp.errors import NotAModelError, WeightsUnavailableError
from pytest_interp.models import checkpoint
from pytest_interp.models.sources import Source
from pytest_interp.models.tokenizer import open_tokenizer, tokenizer_problems

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class GgufFile(Source):
    """A GGUF file. It is dequantised once, to float32, and kept in the user's cache folder."""

    path: Path

    def describe(self) -> str:
        return f"GGUF file {self.path}"

    def check(self) -> None:
        if not self.path.is_file():
            raise WeightsUnavailableError(f"there is no file {self.path}: a GGUF file was expected")
        with self.path.open("rb") as stream:
            if stream.read(4) != b"GGUF":
                raise NotAModelError(f"{self.path} is no GGUF file: its first bytes are others")

    def identity(self) -> Hashable:
        there = self.path.stat()
        return self, there.st_size, there.st_mtime_ns

    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        from pytest_interp.models import converted

        self.check()
        sha256 = _sha256(self.path)

        def build(folder: Path) -> None:
            from pytest_interp.models import gguf

            remedy = "copy or download it again; only whole files of one part are read"
            gguf.convert([self.path], sha256, folder, remedy)

        return checkpoint.open_checkpoint(converted.entry(sha256, build), dtype)


@dataclass(frozen=True)
class AdapterSource(Source):
    """A LoRA adapter as peft saves it, merged into its base model when it is loaded."""

    path: Path
    base: Source

    _bases: ClassVar[dict[Hashable, str]] = {}
    """Fingerprints of the base models that were loaded."""

    def describe(self) -> str:
        from pytest_interp.models.lora import TENSORS

        file = self.path / TENSORS
        adapter = f" sha256:{_sha256(file)[:16]}" if file.is_file() else ""
        known = self._bases.get(self.base.identity(), "")
        return (
            f"adapter {self.path}{adapter} merged into {self.base.describe()}"
            f"{', fingerprint ' + known if known else ''}"
        )

    def check(self) -> None:
        from pytest_interp.models import lora

        lora.check_folder(self.path)
        self.base.check()

    def identity(self) -> Hashable:
        files = sorted(file for file in self.path.glob("*") if file.is_file())
        stats = tuple((f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files)
        return self, self.base.identity(), stats

    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        from pytest_interp.adapters.weights import Weights
        from pytest_interp.models import lora

        lora.check_folder(self.path)
        module, tokenizer = self.base.load(dtype)
        before = Weights("", module, tokenizer, "").fingerprint
        self._bases[self.base.identity()] = before
        whole = lora.merged(module, self.path)
        if Weights("", whole, tokenizer, "").fingerprint == before:
            raise NotAModelError(
                f"the adapter in {self.path} changes nothing: with it the weights are those of "
                f"{self.base.describe()}. Its numbers are 0, as before training, or too small for "
                f"{dtype}: name the base itself, or the adapter as it was trained"
            )
        if not tokenizer_problems(self.path):  # what it was trained with
            tokenizer = open_tokenizer(self.path, whole)
        return whole, tokenizer


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
