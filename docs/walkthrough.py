# %% [markdown]
# # Walk-through
#
# It begins with a model whose mechanism is known, goes on to one that was trained, and ends at a
# single head. Each cell checks what it says, so this file is also a test. Open it in an editor that
# knows percent cells, or convert it: `jupytext --to notebook walkthrough.py`.

# %%
import numpy as np

from pytest_interp import (
    FactPrompt,
    assert_crystallises,
    assert_fact_localized,
    assert_handoff,
    assert_sufficient,
    causal_trace,
    load_model,
    logit_lens,
)
from pytest_interp.adapters import Site
from pytest_interp.claims import check_necessary
from pytest_interp.figures import figure_of
from pytest_interp.planted import planted_model

# %% [markdown]
# ## A model whose mechanism we know
#
# `planted-gpt2` is a real GPT-2 of six layers. An MLP at layer 2 recognises the subject and writes
# its attribute. A head at layer 4 moves it to the last token. `planted_model` gives the facts that
# the model knows, and what is true of them.

# %%
adapter = load_model("planted-gpt2", "transformer_lens", device="cpu")
known = planted_model("gpt2")
fact = known.facts[0]
print(fact)

# %% [markdown]
# The lens reads the answer from layer 4 on, where the head writes it.

# %%
lens = logit_lens(adapter, fact.clean_prompt, fact.answer)
print("\n".join(lens.crossover_layer.explain()))
assert lens.crossover_layer == known.truth.crossover_layer == 4

# %% [markdown]
# Tracing finds both parts, and nothing else. Effects agree with the truth to a few in a million.

# %%
stream = causal_trace(adapter, fact, site="resid_post")
mlp = causal_trace(adapter, fact, site="mlp_out")
attention = causal_trace(adapter, fact, site="attn_out")
for trace in (stream, mlp, attention):
    print(trace.site, trace.peak)
    assert np.abs(trace.effect - known.truth.effect(trace.site)).max() < known.truth.tolerance

# %% [markdown]
# Now say it as claims. Each assertion returns its verdict, or raises.

# %%
print(assert_fact_localized(mlp, "mlp_out@subject", 2))
print(assert_fact_localized(attention, "attn_out@last", 4))
print(assert_handoff(stream, "subject", "last", layer=4))

# %% [markdown]
# A false claim raises and says in which cells. Its `check_` twin returns the verdict instead.
# Denoising tests sufficiency, noising tests necessity. A trace of the other direction is refused.

# %%
try:
    assert_fact_localized(mlp, "mlp_out@subject", 3)
except AssertionError as false:
    print(false)
else:
    raise RuntimeError("this claim is false")

noised = causal_trace(adapter, fact, site="mlp_out", direction="noise")
verdict = check_necessary(noised, "mlp_out@subject", 2)
assert verdict, verdict

# %% [markdown]
# ## A model that was trained
#
# SmolLM2-135M has 30 layers. Float32 on the CPU gives the numbers of the results page.

# %%
smollm2 = load_model("smollm2-135m", "transformer_lens", device="cpu", dtype="float32")
france = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
lens = logit_lens(smollm2, france.clean_prompt, france.answer)
print("\n".join(lens.crossover_layer.explain()))
assert_crystallises(lens, by_layer=29, not_before=27)

# %% [markdown]
# The whole map, 30 layers by 5 tokens, is two forward passes: one over the tokens that the prompts
# share, and one that grows.

# %%
stream = causal_trace(smollm2, france, site="resid_post")
figure_of(stream)

# %%
print(assert_fact_localized(stream, "resid_post@subject", (0, 22)))
assert_handoff(stream, "subject", "last", layer=23)

# %% [markdown]
# What moves it from the subject to the last token at layer 23? Only attention moves anything
# between tokens.

# %%
attention = causal_trace(smollm2, france, site="attn_out")
print(attention.peak)
assert_sufficient(attention, "attn_out@last", 23)

# %% [markdown]
# ## Down to a head, with the primitive
#
# Every experiment is made of one call: a forward pass with captures and edits. Here is one that is
# not built in. Which of the nine heads of layer 23 carries the difference?
#
# First, capture what each head gives on the clean prompt.

# %%
heads = Site("head", 23)
clean = smollm2.run(smollm2.encode(france.clean_prompt), capture=[heads])
print(clean[heads].shape)  # row, pos, head, d_head

# %% [markdown]
# Then run the corrupt prompt. An edit may return more rows than it was given. This one returns one
# row per head, with that head replaced by the clean one at the last token. All nine runs share one
# pass.


# %%
def one_row_per_head(z):
    rows = z.repeat(smollm2.n_heads, 1, 1, 1)
    for head in range(smollm2.n_heads):
        rows[head, -1, head] = clean[heads][0, -1, head]
    return rows


patched = smollm2.run(smollm2.encode(france.corrupt_prompt), edits={heads: one_row_per_head})
paris, tokyo = smollm2.answer_id(" Paris"), smollm2.answer_id(" Tokyo")
metric = patched.logits[:, -1, paris] - patched.logits[:, -1, tokyo]
recovery = (metric - attention.corrupt_metric) / attention.gap
for head, value in enumerate(recovery.tolist()):
    print(f"head.23.{head}  {value:+.3f}")

# %% [markdown]
# One head does most of it.

# %%
assert recovery.argmax() == 4
assert recovery[4] > 0.8
assert all(abs(recovery[head]) < 0.2 for head in range(9) if head != 4)
