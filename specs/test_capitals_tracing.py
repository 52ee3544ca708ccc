"""Where SmolLM2-135M keeps a country's capital while it reads "The capital of France is".

Claim: through layer 22 the fact sits on the country; from layer 23 on it sits on the last token,
where the answer is read out. One attention layer hands it over, for all twelve capitals alike.

Why it matters: it is the picture of factual recall of Meng et al. 2022 (ROME, arXiv 2202.05262)
and Geva et al. 2023 (arXiv 2304.14767), an enriched subject that late attention reads from.

How: interchange patching of the residual stream, one cell at a time, measured by the logit
difference of the two capitals (Zhang and Nanda 2023, arXiv 2309.16042). Denoising asks where the
clean run's activation suffices to restore the answer, noising where it is necessary.
"""

from pathlib import Path

import pytest

from pytest_interp import FactPrompt, FactSet, assert_fact_localized, assert_handoff

pytestmark = pytest.mark.interp(model="smollm2-135m")

FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
CAPITALS = FactSet.from_yaml(Path(__file__).with_name("capitals.yaml"))


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_the_fact_sits_on_the_subject_through_layer_22(trace, direction):
    result = trace(FRANCE, direction=direction)
    assert_fact_localized(result, "resid_post@subject", (0, 22))


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_the_fact_sits_on_the_last_token_from_layer_23(trace, direction):
    result = trace(FRANCE, direction=direction)
    assert_fact_localized(result, "resid_post@last", (23, 29))


def test_every_capital_is_handed_over_at_layer_23(trace):
    """Of the mean over the set, with the 95 % interval on the right side of each threshold."""
    assert_handoff(trace(CAPITALS), "subject", "last", layer=23)


def test_attention_does_the_handing_over(trace):
    """The attention output of layer 23 at the last token carries most of the difference there.

    No other layer's carries a third of it, and none does anything at another token.
    """
    result = trace(FRANCE, site="attn_out")
    assert result.peak.layer == 23
    assert result.peak.position == result.n_positions - 1
