"""Where the head that hands a capital over looks, and which heads of SmolLM2-135M look back.

The heads that look back are asked for in Gemma 3 270M as well.

Claim: at layer 23 the capital is handed to the last token (``test_capitals.py``). Head 23.4 looks
at the country from there, wherever the country stands. Other heads look at it as well, since it is
the token before: these are previous-token heads, and let go of it where it stands elsewhere.

How: attention patterns of facts and of plain prompts; the scores of all heads on random tokens,
twice over (Olsson et al. 2022, arXiv 2209.11895). Attention says where a head looks, not what it
moves: ``test_attribution.py`` says what it writes.
"""

import pytest

from pytest_interp import (
    assert_attends,
    assert_duplicate_token_head,
    assert_induction_head,
    assert_previous_token_head,
    attention_patterns,
    induction_scores,
    load_facts,
)

pytestmark = pytest.mark.interp(model="smollm2-135m")

HANDS_OVER, BEFORE = "head.23.4", "head.16.0"
LOOKS_BACK = {
    "smollm2-135m": {
        assert_induction_head: (0.6, "head.17.3", "head.17.4", "head.18.6"),
        assert_previous_token_head: (0.7, BEFORE, "head.11.1"),
        assert_duplicate_token_head: (0.6, "head.14.3"),
    },
    # fewer, and its previous-token heads do less: 0.65 and 0.59
    "gemma3-270m": {
        assert_induction_head: (0.6, "head.5.1"),
        assert_previous_token_head: (0.5, "head.2.3", "head.4.1"),
        assert_duplicate_token_head: (0.6, "head.3.3"),
    },
}
"""The least score, and heads that have it."""
FIRST = {"smollm2-135m": (HANDS_OVER, 16, 17), "gemma3-270m": ("head.12.2", 2, 5)}
"""The head that hands a capital over, the layer of the strongest head that looks one back, and the
first layer with an induction head."""
CAPITALS = load_facts("capitals").where(lambda fact: fact.template in ("plain", "city", "country"))
COUNTRIES = ("France", "Japan", "Italy", "Russia", "England", "Greece", "Spain", "Sweden")


def test_the_head_that_hands_over_looks_at_the_country(adapter, baseline):
    result = attention_patterns(adapter, CAPITALS)
    assert_attends(result, HANDS_OVER, "last", "subject", at_least=0.8)
    baseline.check(result)


@pytest.mark.parametrize(
    "text", ["In {} the name of the capital is", "If you live in {}, then your capital is"]
)
def test_it_looks_at_the_country_wherever_that_stands(adapter, text):
    before, _ = text.split("{}")
    result = attention_patterns(adapter, [text.format(country) for country in COUNTRIES])
    place = len(before.split())
    assert all(tokens[place].strip() in COUNTRIES for tokens in result.str_tokens)
    assert_attends(result, HANDS_OVER, "last", place, at_least=0.8)
    # a previous-token head, which looks at it only where it is the token before
    assert result.attention(BEFORE, "last", place).max() < 0.05


@pytest.mark.interp(model=[*LOOKS_BACK])
def test_its_induction_heads_come_after_its_previous_token_heads(interp_target, adapter, baseline):
    scores = induction_scores(adapter, n=6, length=20)
    for is_of_the_kind, (least, *heads) in LOOKS_BACK[interp_target.model].items():
        for head in heads:
            is_of_the_kind(scores, head, at_least=least)
    hands_over, before, first = FIRST[interp_target.model]
    found = scores.leading("induction", 0.4)
    assert min(int(head.split(".")[1]) for head in found) == first
    assert next(iter(scores.leading("previous_token", 0.4))).startswith(f"head.{before}.")
    assert hands_over not in (*found, *scores.leading("previous_token", 0.1))
    baseline.check(scores)
