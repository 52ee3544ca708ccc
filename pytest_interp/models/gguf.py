"""From a quantised GGUF file to a float32 checkpoint with safetensors."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pytest_interp.errors import DamagedWeightsError, described
from pytest_interp.models.checkpoint import quiet
from pytest_interp.models.room import check_room
from pytest_interp.progress import report


def convert(parts: Sequence[Path], sha256: str, folder: Path, remedy: str) -> None:
    """Check the file (given in parts), dequantise it and write the checkpoint into ``folder``.

    Raises:
        DamagedWeightsError: the hash of the file is another, it is no GGUF file of a causal
            language model, or its tensors are not those of the model; the message ends with
            ``remedy``, the command that brings the right one.
        MemoryLimitError: it takes more memory than is free.
        OSError: the folder cannot be written.
    """
    _verify(parts, sha256, remedy)
    what = f"dequantising {parts[0].name} (once; the result is kept)"
    report(what, 0, 1)
    with _joined(parts, folder.with_name("joined.gguf")) as whole:
        _dequantise(whole, folder, remedy)
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


def _dequantise(file: Path, folder: Path, remedy: str) -> None:
    from safetensors import SafetensorError

    with quiet(), contextlib.redirect_stderr(io.StringIO()), _parsed_once():  # a bar is on it
        _check_room(file, remedy)
        try:
            module, tokenizer, missing = _read(file)
        except Exception as error:  # its header can say anything
            raise DamagedWeightsError(
                f"{file} cannot be read as a causal language model in GGUF ({described(error)})."
                f" Run: {remedy}"
            ) from error
        _check_tensors(file, module, missing, remedy)
        try:
            module.save_pretrained(folder, max_shard_size="100GB")
            tokenizer.save_pretrained(folder)
        except SafetensorError as error:  # what its writer makes of a full disk
            raise OSError(str(error)) from error


def _check_room(file: Path, remedy: str) -> None:
    import gguf

    try:
        n_numbers = sum(int(tensor.n_elements) for tensor in gguf.GGUFReader(file).tensors)
    except Exception as error:  # its header can say anything
        raise DamagedWeightsError(
            f"{file} cannot be read as a causal language model in GGUF ({described(error)})."
            f" Run: {remedy}"
        ) from error
    check_room(str(file), n_numbers, torch.float32, torch.device("cpu"))


def _check_tensors(
    file: Path, module: PreTrainedModel, missing: Sequence[str], remedy: str
) -> None:
    """Raise unless every tensor of the model is from the file, and every one of the file is used.

    Raises:
        DamagedWeightsError: the model has more, which would be random numbers, or the file has.
    """
    import gguf
    from transformers.modeling_gguf_pytorch_utils import TensorProcessor, get_gguf_hf_weights_map

    if missing:
        raise DamagedWeightsError(
            f"{file} lacks {len(missing)} tensors of a {module.config.model_type}, the first is"
            f" {missing[0]!r}. Run: {remedy}"
        )
    # by their numbers: some tensors are joined or split on the way, and keep no name
    held = {tensor.name: int(tensor.n_elements) for tensor in gguf.GGUFReader(file).tensors}
    used = sum({t.data_ptr(): t.numel() for t in module.state_dict().values()}.values())
    if surplus := sum(held.values()) - used:
        places = get_gguf_hf_weights_map(module, TensorProcessor())
        odd = [name for name in held if name not in places]
        named = f", the first is {odd[0]!r}" if odd else ""
        raise DamagedWeightsError(
            f"{file} holds {surplus:,} numbers for which transformers has no place in a"
            f" {module.config.model_type}{named}: without them the model is another. Give its"
            " safetensors in place of the file"
        )


def _read(file: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[str]]:
    """The model, its tokenizer, and the tensors that the file lacks."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, **local)
    module, info = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.float32,
        output_loading_info=True,
        **local,
    )
    # it is no longer quantised, but transformers refuses to save while it is marked so
    vars(module.config).pop("quantization_config", None)
    module.hf_quantizer = None
    module.is_quantized = False
    return module, tokenizer, sorted(info["missing_keys"])


@contextlib.contextmanager
def _parsed_once() -> Iterator[None]:
    """Let transformers share one parse of the file, which ends where the file does.

    It parses the vocabulary anew for the tokenizer, the config and the tensors, and each parse
    takes as long as everything else.
    """
    import gguf

    class Bounded(gguf.GGUFReader):  # type: ignore[misc]
        """Else a header that promises an array of 2**60 numbers fills the memory."""

        def _get(self, offset: int, dtype: Any, count: Any = 1, *order: Any, **named: Any) -> Any:
            found = super()._get(offset, dtype, count, *order, **named)
            if len(found) < int(count):
                raise ValueError(f"it ends at byte {len(self.data)}, before its header says so")
            return found

    reader = gguf.GGUFReader
    gguf.GGUFReader = functools.cache(Bounded)
    try:
        yield
    finally:
        gguf.GGUFReader = reader
