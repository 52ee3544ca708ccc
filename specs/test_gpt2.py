"""GPT-2 small completes "Water is made of hydrogen and".

Claim, as the `interp` lab published it: P(" oxygen") crystallises in the upper-mid layers.
Source: sanderblue/ai-mechanistic-interpretability, logit lens on GPT-2 under TransformerLens; here
under both backends.

"Upper-mid" is read as: in the upper half of the twelve layers, and before the last one. GPT-2's
confidence is modest, so nothing is claimed of how probable the answer becomes.
"""

import pytest

pytestmark = pytest.mark.interp(model="gpt2")


def test_oxygen_crystallises_in_the_upper_middle(lens):
    result = lens("Water is made of hydrogen and", " oxygen")
    assert 6 <= result.crossover_layer <= 10


def test_oxygen_is_improbable_in_the_lower_half(lens):
    result = lens("Water is made of hydrogen and", " oxygen")
    assert result.answer_prob[:6].max() < result.final_prob / 2
