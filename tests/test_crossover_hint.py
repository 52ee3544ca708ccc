"""An answer that differs from the top token by its space alone."""

import pytest

from pytest_interp import load_model, logit_lens
from pytest_interp.claims import Status, check_crystallises

PROMPT = "visitors say that Acropolis stands in"


@pytest.mark.guarantee(
    "messages",
    "Where the answer never gets to the top and differs from what does by a space, the message "
    "asks about the space.",
    sees="did you mean ' Paris'? Only the space differs",
)
def test_the_space_before_an_answer_is_asked_about():
    import dataclasses

    found = logit_lens(load_model("planted-gpt2", "nnsight"), PROMPT, " we")
    assert "did you mean" not in found.crossover_layer.explain()[0]
    other = dataclasses.replace(found, answer="Paris", top_token=(*found.top_token[:-1], " Paris"))
    assert other.crossover_layer.explain()[0].endswith(
        "never the top token: did you mean ' Paris'? Only the space differs"
    )
    verdict = check_crystallises(other, by_layer=4)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.sentence.endswith("stands in': did you mean ' Paris'? Only the space differs.")
    assert "left out: 1 fact that" in str(verdict)
