"""When SmolLM2-135M makes up its mind about a capital.

Claim: read through the logit lens, the capital becomes the top token only in the very last layer,
six layers after it has arrived at the last token (``test_capitals.py``). Having the
information and being about to say it are two things.

How: the logit lens (nostalgebraist 2020), that is the residual stream at the last token after each
layer, read by the model's own final norm and unembedding.
"""

import pytest

from pytest_interp import assert_crystallises

pytestmark = pytest.mark.interp(model="smollm2-135m")

LAST = 29
CAPITALS = {
    "China": " Beijing",
    "England": " London",
    "France": " Paris",
    "Germany": " Berlin",
    "Greece": " Athens",
    "Hungary": " Budapest",
    "Italy": " Rome",
    "Japan": " Tokyo",
    "Kenya": " Nairobi",
    "Russia": " Moscow",
    "Spain": " Madrid",
    "Sweden": " Stockholm",
}


@pytest.mark.parametrize("country", ["France", "Japan"])
def test_a_capital_crystallises_in_the_last_layer(lens, baseline, country):
    result = lens(f"The capital of {country} is", CAPITALS[country])
    assert result.crossover_layer == LAST
    assert result.final_prob > 0.5
    baseline.check(result)


def test_every_capital_crystallises_late(lens):
    """Of the mean over twelve capitals: its 95 % interval lies in the last two layers."""
    results = [lens(f"The capital of {country} is", CAPITALS[country]) for country in CAPITALS]
    assert_crystallises(results, by_layer=LAST, not_before=28)


def test_the_last_layer_of_the_lens_is_the_model(lens):
    """The lens adds nothing of its own: after the last layer it is the model's prediction."""
    result = lens("The capital of France is", " Paris")
    # the same tensor goes through the same modules, in another batch row: 1e-5 is rounding
    assert result.answer_prob[-1] == pytest.approx(result.final_prob, rel=1e-5)
