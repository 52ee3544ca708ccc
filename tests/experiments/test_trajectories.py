"""Trajectories, against the lens by hand: plain hooks, then the model's own norm and head."""

from dataclasses import replace

import hooks
import numpy as np
import pytest
import torch
from labelled_sets import tiny_prompts
from tiny import ARCHITECTURES, N_LAYERS, adapter_of, tiny_module, tiny_tokenizer
from told_hooks import changed, ids_of

from pytest_interp.adapters import backend_names
from pytest_interp.errors import PromptError
from pytest_interp.experiments.trajectory import trajectories

PROMPTS = tiny_prompts(9)


def lens(module, ids, layer):
    """Logits of the last token where the final norm reads the stream after a layer."""
    state = hooks.read(module, ids, "resid_post", layer)
    return changed(module, ids, [("final_norm", None, lambda _: state)]).double()


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("of_answers", [False, True])
def test_every_number_is_that_of_the_lens_by_hand(arch, backend, of_answers):
    module, tokenizer = tiny_module(arch), tiny_tokenizer()
    chosen = PROMPTS.where(lambda p: p.answer is not None) if of_answers else PROMPTS
    found = trajectories(adapter_of(arch, backend), chosen, of_answers=of_answers)
    assert found.layers == tuple(range(N_LAYERS))
    for i, (prompt, ids) in enumerate(zip(chosen, ids_of(tokenizer, chosen), strict=True)):
        final = hooks.logits(module, ids)[0, -1].double()
        (token,) = tokenizer(prompt.answer)["input_ids"] if of_answers else (int(final.argmax()),)
        assert found.tokens[i] == tokenizer.decode([token])
        log_final, on_top = final.log_softmax(0), []
        np.testing.assert_allclose(found.confidence[i], log_final[token], atol=1e-4)
        for layer in range(N_LAYERS):
            logits = lens(module, ids, layer)
            log_p = logits.log_softmax(0)
            others = torch.cat([logits[:token], logits[token + 1 :]])
            expected = {
                "prob": log_p[token].exp(),
                "margin": logits[token] - others.max(),
                "rank": (others > logits[token]).sum(),
                "entropy": torch.distributions.Categorical(logits=logits).entropy(),
                "divergence": (log_final.exp() * (log_final - log_p)).sum(),
            }
            for name, value in expected.items():
                np.testing.assert_allclose(getattr(found, name)[i, layer], value, atol=1e-4)
            on_top.append(bool(expected["margin"] > 0))
        settled = [n for n in range(N_LAYERS) if all(on_top[n:])]
        np.testing.assert_equal(found.settled[i], min(settled, default=np.nan))


def test_the_median_of_settled_layers_leaves_out_tokens_that_never_settle():
    answered = PROMPTS.where(lambda p: p.answer is not None)
    found = trajectories(adapter_of("gpt2", "nnsight"), answered, of_answers=True)
    below = np.full_like(found.margin, -1.0)
    assert np.isnan(replace(found, margin=below).median_settled)
    below[0, -1:] = below[1, -2:] = below[2, -3:] = 1.0
    assert replace(found, margin=below).median_settled == N_LAYERS - 2


def test_answers_that_are_missing_are_refused():
    with pytest.raises(PromptError, match="'p0' has no answer to follow"):
        trajectories(adapter_of("gpt2", "nnsight"), PROMPTS, of_answers=True)
