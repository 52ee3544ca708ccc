"""Where the head that hands a capital over looks, and which heads of SmolLM2-135M look back.

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


def test_its_induction_heads_come_after_its_previous_token_heads(adapter, baseline):
    """The first is in layer 17; the strongest head that looks one back is in layer 16."""
    scores = induction_scores(adapter, n=6, length=20)
    for head in ("head.17.3", "head.17.4", "head.18.6"):
        assert_induction_head(scores, head, at_least=0.6)
    found = scores.leading("induction", 0.4)
    assert min(int(head.split(".")[1]) for head in found) == 17
    assert HANDS_OVER not in found
    for head in (BEFORE, "head.11.1"):
        assert_previous_token_head(scores, head, at_least=0.7)
    assert HANDS_OVER not in scores.leading("previous_token", 0.1)
    assert_duplicate_token_head(scores, "head.14.3", at_least=0.6)
    baseline.check(scores)
