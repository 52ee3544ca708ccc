"""A word-level tokenizer: every word of the vocabulary is one token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PAD, UNKNOWN = "<pad>", "<unk>"
SPECIAL = (PAD, UNKNOWN)


def word_tokenizer(words: Sequence[str]) -> Any:
    """A fast tokenizer whose ids are the places in ``words``, which begins with ``SPECIAL``.

    Words are separated by white space, so that ``"Paris"`` and ``" Paris"`` are the same token.
    No token is added to a prompt.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=UNKNOWN))
    backend.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        eos_token=PAD,
        unk_token=UNKNOWN,
        # without this it makes token_type_ids, which GPT-2 would embed
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
