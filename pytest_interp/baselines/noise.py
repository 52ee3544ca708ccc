"""Which numbers decide a discrete finding.

A crossover layer, a top token or a peak is an argmax: on a tiny margin it flips between machines
though no number moved beyond its tolerance. Each function here names the numbers behind one kind
of finding; where all of them stayed within tolerance, the flip is noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Move = tuple[str, float, float]
"""Field whose tolerance counts, old value, new value."""
_Json = Mapping[str, Any]
_Path = tuple[str | int, ...]


def deciding_moves(path: _Path, old: _Json, new: _Json) -> list[Move]:
    """The numbers that decide the finding at ``path``; empty where none are known.

    A result of your own names them in a top-level object ``margins``: for each discrete field,
    how far its winner leads, in the unit of the tolerance for ``margins``. A list of findings has a
    list of margins.
    """
    kind = old.get("kind")
    if kind != new.get("kind"):
        return []
    decide = _BY_KIND.get(str(kind), _declared)
    try:
        return [(field, float(a), float(b)) for field, a, b in decide(path, old, new)]
    except (IndexError, KeyError, TypeError, ValueError):
        # the two results are not of one shape: then no number decides, and the change stands
        return []


def _declared(path: _Path, old: _Json, new: _Json) -> list[Move]:
    a, b = old["margins"], new["margins"]
    for key in path:  # a list of findings has a list of margins
        a, b = a[key], b[key]
    return [("margins", a, -b)]


def _logit_lens(path: _Path, old: _Json, new: _Json) -> list[Move]:
    field = path[0]
    if field == "top_token":
        # the old winner led by one margin and now trails by the other
        i = path[1]
        return [("top_margin", old["top_margin"][i], -new["top_margin"][i])]
    if field == "answer_rank":
        # the margin to the best token decides whether the answer is on top, and nothing below
        i = int(path[1])
        on_top = [side["answer_rank"][i] == 0 for side in (old, new)]
        return [_answer_margin(i, old, new)] if on_top[0] != on_top[1] else []
    if field in ("crossover_layer", "settled_layer"):
        flipped = [
            i
            for i, (a, b) in enumerate(zip(old["answer_rank"], new["answer_rank"], strict=True))
            if (a == 0) != (b == 0)
        ]
        return [_answer_margin(i, old, new) for i in flipped]
    return []


def _answer_margin(i: int, old: _Json, new: _Json) -> Move:
    return "answer_margin", old["answer_margin"][i], new["answer_margin"][i]


def _causal_trace(path: _Path, old: _Json, new: _Json) -> list[Move]:
    if path[0] != "peak":
        return []
    moves: list[Move] = []
    for side in (old, new):
        row, position = side["layers"].index(side["peak"]["layer"]), side["peak"]["position"]
        moves.append(("recovery", old["recovery"][row][position], new["recovery"][row][position]))
    return moves


_BY_KIND: dict[str, Callable[[_Path, _Json, _Json], list[Move]]] = {
    "logit_lens": _logit_lens,
    "causal_trace": _causal_trace,
}
