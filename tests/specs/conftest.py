"""A spec about a planted model, and what it is changed into."""

import textwrap

import pytest

TRACE = """\
model: planted-gpt2
backends: [transformer_lens, nnsight]
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
  - fact_localized: {site: resid_post@subject, layer_range: [0, 3]}
  - peak.layer: {at_most: 3}
"""


@pytest.fixture
def spec_text() -> str:
    return TRACE


@pytest.fixture
def write_spec(tmp_path):
    """Write a spec file and return its path."""

    def write(text, name="some.interp.yaml"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    return write


@pytest.fixture
def project(pytester, spec_text, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    pytester.path.joinpath("capital.interp.yaml").write_text(spec_text)
    return pytester
