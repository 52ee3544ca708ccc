"""The tokenizer of a model's folder, and whether it is the model's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_interp.errors import NotAModelError, described
from pytest_interp.models.files import read_object

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CONFIG = "tokenizer_config.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


def tokenizer_problems(folder: Path) -> list[str]:
    """What keeps the folder from having a tokenizer, in words. Opens no file."""
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        return [f"no tokenizer (one of {', '.join(TOKENIZER_FILES)})"]
    # a pipe would be waited for
    odd = [file for file in (*TOKENIZER_FILES, CONFIG) if (folder / file).exists()]
    return [f"{file} is no file" for file in odd if not (folder / file).is_file()]


def open_tokenizer(folder: Path, module: PreTrainedModel) -> PreTrainedTokenizerBase:
    """The tokenizer in a folder, for the model of that folder. Runs no code of the folder.

    Raises:
        NotAModelError: transformers cannot read it, or reads it as another than it is, or it is
            the tokenizer of another model.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, config=module.config, local_files_only=True, trust_remote_code=False
        )
        words, size = _own_words(tokenizer), tokenizer.vocab_size
        ids = tokenizer(words)["input_ids"]
        meant = None if _class_is_given(folder) else _as_written(folder, words)
    except Exception as error:  # the files can be wrong in any way
        raise NotAModelError(
            f"transformers cannot read the tokenizer in {folder} ({described(error)})"
        ) from error
    if not ids or (meant is not None and ids != meant):
        why = "" if meant is None else f", for no {CONFIG} names its tokenizer_class"
        raise NotAModelError(
            f"transformers reads the tokenizer in {folder} as {type(tokenizer).__name__}{why}."
            f" That is wrong: of {words[:40]!r}, words of its own vocabulary, it makes the tokens"
            f" {ids[:8]}. Save it again with tokenizer.save_pretrained(folder)."
        )
    # tokens that are added to it, such as that for an image, may go beyond
    if size > (rows := module.get_input_embeddings().num_embeddings):
        raise NotAModelError(
            f"the tokenizer in {folder} has {size} tokens, and the model's embedding has {rows}"
            " rows: it is the tokenizer of another model"
        )
    return tokenizer


def _own_words(tokenizer: PreTrainedTokenizerBase) -> str:
    special = {*tokenizer.all_special_ids}
    ids = [i for i in range(tokenizer.vocab_size) if i not in special][:64]
    return " ".join(tokenizer.decode([i]) for i in ids)


def _class_is_given(folder: Path) -> bool:
    return (folder / CONFIG).exists() and "tokenizer_class" in read_object(folder / CONFIG)


def _as_written(folder: Path, text: str) -> list[int] | None:
    """The ids by tokenizer.json alone; None where there is no such file."""
    from tokenizers import Tokenizer

    if not (file := folder / "tokenizer.json").exists():
        return None
    return list(Tokenizer.from_file(str(file)).encode(text).ids)
