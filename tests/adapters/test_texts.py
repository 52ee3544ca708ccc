"""Sites and prompts as texts, and what is neither."""

from __future__ import annotations

import pytest
import torch

from pytest_interp import load_model
from pytest_interp.errors import ExperimentError, PromptError

PROMPT = "visitors say that Acropolis stands in"


@pytest.fixture(scope="module")
def adapter():
    return load_model("planted-gpt2", "nnsight")


def test_a_prompt_and_sites_may_be_texts(adapter):
    run = adapter.run(PROMPT, capture=["resid_post.3"], edits={"mlp_out.2": torch.zeros_like})
    (site,) = run.captured
    assert run["resid_post.3"] is run[site]
    same = adapter.run(adapter.encode(PROMPT), [site], {"mlp_out.2": torch.zeros_like})
    assert torch.equal(run[site], same[site])
    for one in ("resid_post.3", site):
        assert torch.equal(
            run[site], adapter.run(PROMPT, one, {"mlp_out.2": torch.zeros_like})[site]
        )


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda a: a.run(PROMPT, capture=["resid_post"]), ExperimentError, "needs a layer"),
        (lambda a: a.run(PROMPT, capture=[3]), ExperimentError, "3 is no site"),
        (lambda a: a.run(PROMPT, capture=3), ExperimentError, "3 is no site"),
        (lambda a: a.run(PROMPT, capture="resid_post"), ExperimentError, "needs a layer"),
        (lambda a: a.run(PROMPT, ["resid_post.x"]), ExperimentError, "is no site"),
        (lambda a: a.run([[1, 2], [3]]), PromptError, "one length"),
        (lambda a: a.run([["one"]]), PromptError, "no token ids"),
        (lambda a: a.run([[10**6]]), PromptError, "has no token 1000000"),
        (lambda a: a.run(PROMPT)["mlp_out.1"], ExperimentError, "was not captured"),
    ],
)
@pytest.mark.guarantee(
    "messages",
    "What is no site and what are no tokens is said in the words of this package.",
    sees="ExperimentError or PromptError: what was given, and what can be",
)
def test_what_is_neither_is_refused(adapter, ask, error, said):
    with pytest.raises(error, match=said):
        ask(adapter)
