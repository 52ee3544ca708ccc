"""Sites and prompts as texts, and what is neither."""

from __future__ import annotations

import pytest
import torch

from pytest_interp import load_model
from pytest_interp.errors import (
    ExperimentError,
    HookError,
    InterpError,
    PromptError,
    UnknownNameError,
)
from pytest_interp.options import TraceOptions

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
        (lambda a: a.run(PROMPT, capture="embed.2"), ExperimentError, "takes no layer"),
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


@pytest.mark.guarantee(
    "messages",
    "A hook of TransformerLens in place of a site is answered with the site's name here.",
    sees="TransformerLens's hook_z is 'head' here.",
)
@pytest.mark.parametrize(
    ("hook", "kind"),
    [
        ("blocks.3.hook_resid_post", "resid_post"),
        ("blocks.3.attn.hook_z", "head"),
        ("hook_z", "head"),
        ("blocks.0.mlp.hook_post", "mlp_neurons"),
        ("hook_pattern", "pattern"),
    ],
)
def test_a_hook_of_transformer_lens_is_answered_with_the_site(adapter, hook, kind):
    short = hook.removeprefix("blocks.3.").removeprefix("blocks.0.")
    for ask in (
        lambda: adapter.run(PROMPT, capture=hook),
        lambda: TraceOptions.of(site=hook),
        lambda: adapter.sites(hook),
    ):
        with pytest.raises(InterpError) as refused:
            ask()
        assert str(refused.value).endswith(f"TransformerLens's {short} is {kind!r} here.")


@pytest.mark.parametrize("site", ["resid_post.3", "resid_post@subject"])
def test_a_kind_with_more_than_its_name_is_told_apart(site):
    with pytest.raises(UnknownNameError, match=r"Here 'resid_post' stands alone: the layer and"):
        TraceOptions.of(site=site)


@pytest.mark.guarantee(
    "messages",
    "An edit that also takes a hook, as in TransformerLens, is told that it gets none.",
    sees="the edit at mlp_out.2 cannot be called with the activation alone",
)
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
def test_an_edit_that_takes_a_hook_is_told_that_it_gets_none(backend):
    opened = load_model("planted-gpt2", backend)
    with pytest.raises(HookError, match=r"mlp_out\.2 cannot be called with the activation alone"):
        opened.run(PROMPT, edits={"mlp_out.2": lambda value, hook: value})

    def fails(value):
        return len(3)

    with pytest.raises(TypeError, match="has no len"):  # of its own
        opened.run(PROMPT, edits={"mlp_out.2": fails})
