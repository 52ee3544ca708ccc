"""Induction, previous-token and duplicate-token scores, on repeated random tokens.

Olsson et al. 2022, "In-context Learning and Induction Heads" (arXiv 2209.11895).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.attention import read_patterns
from pytest_interp.facts.prompts import encode
from pytest_interp.results.base import Floats, Ints
from pytest_interp.results.head_scores import HeadScores

FEWEST_TOKENS = 3
"""With fewer in a copy, the token before and the one after the earlier copy are the same."""


def induction_scores(
    adapter: ModelAdapter, n: int = 10, length: int = 30, seed: int = 0, bos: bool | None = None
) -> HeadScores:
    """How much each head attends as an induction head would, by sequences of random tokens.

    A sequence is so many random tokens twice over. In the second copy, an induction head attends
    from each token to the one that followed it in the first copy, a duplicate-token head to the
    token itself in the first copy. A previous-token head attends to the token before, anywhere.
    Scores are means of that attention over tokens.

    The tokens are drawn without replacement from all that the tokenizer may give for text. Special
    and added tokens are left out, since a model has learned rules of its own for these, and so are
    rows of the embedding without a token, which were never trained. Random tokens, and not text,
    because text can be continued without looking back.

    Controls are the same scores where nothing is repeated: the second copy is other random tokens.
    For the previous-token score, it is the attention to the token before the previous one.

    Args:
        adapter: the model under a backend.
        n: number of sequences.
        length: tokens of a copy.
        seed: of the tokens.
        bos: whether each sequence begins with the token that begins a text; by default where the
            tokenizer puts one before every text. It is no part of any score.

    Raises:
        ExperimentError: a number makes no sense, there are too few tokens to draw from, or there is
            no such first token.
    """
    if n < 1 or length < FEWEST_TOKENS:
        wanted = f"give at least 1 sequence, and at least {FEWEST_TOKENS} tokens of a copy"
        raise ExperimentError(f"n={n}, length={length}: {wanted}", about="length")
    first = _first_token(adapter, bos)
    most = getattr(adapter.weights.module.config.get_text_config(), "max_position_embeddings", None)
    if most is not None and len(first) + 2 * length > most:
        raise ExperimentError(
            f"two copies of {length} tokens are more than {adapter.name} reads, which is {most}: "
            f"give a length of at most {(most - len(first)) // 2}",
            about="length",
        )
    drawn = _random_tokens(adapter, n, 2 * length, seed)
    one, other = drawn[:, :length], drawn[:, length:]
    repeated = _scores(adapter, _rows(first, one, one), length, "repeated")
    unrepeated = _scores(adapter, _rows(first, one, other), length, "other")
    return HeadScores(
        n=n,
        length=length,
        seed=seed,
        bos=bool(first),
        layers=tuple(range(adapter.n_layers)),
        induction=repeated["induction"],
        previous_token=repeated["previous_token"],
        duplicate_token=repeated["duplicate_token"],
        induction_unrepeated=unrepeated["induction"],
        duplicate_token_unrepeated=unrepeated["duplicate_token"],
        two_back=repeated["two_back"],
        provenance=adapter.provenance(seed=seed),
    )


def _rows(first: list[int], one: Ints, two: Ints) -> list[list[int]]:
    return [[*first, *a, *b] for a, b in zip(one.tolist(), two.tolist(), strict=True)]


def _first_token(adapter: ModelAdapter, bos: bool | None) -> list[int]:
    """The token that begins each sequence, or none."""
    token = getattr(adapter.tokenizer, "bos_token_id", None)
    if bos is None:
        bos = token is not None and encode(adapter.tokenizer, "a")[:1] == (token,)
    if bos and token is None:
        raise ExperimentError(
            f"the tokenizer of {adapter.name} has no token that begins a text: leave bos out",
            about="bos",
        )
    return [int(token)] if bos and token is not None else []


def _random_tokens(adapter: ModelAdapter, n: int, length: int, seed: int) -> Ints:
    """Ids [sequence, pos], none twice in a sequence."""
    tokenizer = adapter.tokenizer
    left_out = {*tokenizer.all_special_ids, *getattr(tokenizer, "added_tokens_decoder", ())}
    there = range(min(len(tokenizer), adapter.d_vocab))
    usable = np.array([i for i in there if i not in left_out])
    if len(usable) < length:
        raise ExperimentError(
            f"{adapter.name} has {len(usable)} tokens to draw from, and two copies without a "
            f"repeat, for the control, need {length}: give a length of at most {len(usable) // 2}",
            about="length",
        )
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(usable, length, replace=False) for _ in range(n)])


def _scores(
    adapter: ModelAdapter, ids: list[list[int]], length: int, what: str
) -> dict[str, Floats]:
    """By name, the score of every head [sequence, layer, head]."""
    shape = (len(ids), adapter.n_layers, adapter.n_heads)
    names = ("induction", "previous_token", "duplicate_token", "two_back")
    found = {name: np.empty(shape) for name in names}
    done = 0
    for members, patterns in read_patterns(adapter, ids, range(adapter.n_layers)):
        # the last queries of a diagonal: of the second copy, or of all that have such a key
        found["induction"][members] = _diagonal(patterns, length - 1, length)
        found["duplicate_token"][members] = _diagonal(patterns, length, length)
        found["previous_token"][members] = _diagonal(patterns, 1, 2 * length - 1)
        found["two_back"][members] = _diagonal(patterns, 2, 2 * length - 2)
        done += len(members)
        progress.report(f"heads of {adapter.name} on {what} tokens", done, len(ids))
    return found


def _diagonal(patterns: npt.NDArray[np.float32], back: int, n: int) -> Floats:
    """Mean attention of the last ``n`` queries to the key so many tokens back [..., head]."""
    found = patterns.diagonal(-back, axis1=-2, axis2=-1)[..., -n:]
    return np.asarray(found.mean(-1, dtype=np.float64))
