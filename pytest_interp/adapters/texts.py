"""Texts as a model reads them: token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pytest_interp.errors import PromptError
from pytest_interp.facts.prompts import encode, single_token, str_tokens


class Texts:
    """What a model under any backend makes of texts, with the tokenizer's own defaults."""

    name: str
    tokenizer: Any
    device: torch.device
    d_vocab: int

    def encode(self, text: str) -> Tensor:
        """Token ids of a text [1, pos], by the tokenizer's own defaults."""
        return self.as_tokens([encode(self.tokenizer, text)])

    def str_tokens(self, text: str) -> tuple[str, ...]:
        """The tokens of a text, as strings."""
        return str_tokens(self.tokenizer, encode(self.tokenizer, text))

    def answer_id(self, answer: str) -> int:
        """The id of an answer that must be one token.

        Raises:
            PromptError: it is none or several, or one that the model does not have.
        """
        return int(self.as_tokens([[single_token(self.tokenizer, answer)]]))

    def as_tokens(self, ids: str | Tensor | Sequence[Sequence[int]]) -> Tensor:
        """Ids, or those of a text, as a [row, pos] integer tensor on the model's device.

        Raises:
            PromptError: they are no ids, rows differ in length, or the model lacks one of them.
        """
        if isinstance(ids, str):
            return self.encode(ids)
        try:
            tokens = torch.as_tensor(ids, dtype=torch.long, device=self.device)
        except (TypeError, ValueError) as error:
            raise PromptError(
                f"these are no token ids [row, pos]: {error}. Give a text, or rows of whole "
                "numbers of one length: there is no padding"
            ) from error
        if (wrong := tokens[(tokens < 0) | (tokens >= self.d_vocab)]).numel():
            raise PromptError(
                f"{self.name} has no token {int(wrong[0])}: its embedding has {self.d_vocab} rows."
                " Choose a text without it, or use the tokenizer of this model"
            )
        return tokens.unsqueeze(0) if tokens.ndim == 1 else tokens
