"""A YAML spec about a planted model, for tests of all that reads such a file."""


def trace_spec(
    layer_range: tuple[int, int] = (0, 3), backends: str = "[transformer_lens, nnsight]"
) -> str:
    """A causal trace whose claim holds up to layer 3. Lines may be added: claims come last."""
    return f"""\
model: planted-gpt2
backends: {backends}
experiment: causal_trace
inputs:
  fact:
    clean_prompt: visitors say that Acropolis stands in
    corrupt_prompt: visitors say that Alhambra stands in
    answer: " Paris"
    counterfactual_answer: " Rome"
    subject: Acropolis
  site: resid_post
claims:
  - fact_localized: {{site: resid_post@subject, layer_range: {list(layer_range)}}}
"""
