"""Paths where attention and MLP read the same stream, and where branches or blocks are scaled."""

import numpy as np
import pytest
from paths_by_hooks import FACTS, moved
from tiny import adapter_of

from pytest_interp.errors import ExperimentError
from pytest_interp.experiments import path_patching

SENDERS = ("embed", "head.0.2", "head.1.3", "mlp_out.1", "attn_out.1")
RECEIVERS = ("q.2.1", "v.2.1@subject", "mlp_out.2", "mlp_out.2@last", "output")


@pytest.mark.guarantee(
    "green",
    "Path patching exchanges what one part writes for one reader alone, with all attention and MLP "
    "outputs between held, and runs freely behind the reader.",
    sees="the numbers of plain hooks that hold each of them, on every architecture and backend",
)
@pytest.mark.parametrize(
    ("architecture", "backend"),
    [
        ("gpt_neox", "nnsight"),
        ("cohere", "transformer_lens"),
        *(
            pytest.param(one, backend, marks=pytest.mark.slow)
            for one, backend in (
                ("gpt_neox", "transformer_lens"),
                ("gpt_neox-sequential", "nnsight"),
                ("phi", "nnsight"),
                ("stablelm-parallel", "nnsight"),
                ("granite", "nnsight"),
                ("olmo2", "transformer_lens"),
                ("gpt_neo", "nnsight"),
            )
        ),
    ],
)
def test_paths_are_those_of_plain_hooks(architecture, backend):
    adapter = adapter_of(architecture, backend)
    found = path_patching(adapter, FACTS, SENDERS, RECEIVERS)
    for r, receiver in enumerate(RECEIVERS):
        part, _, at = receiver.partition("@")
        for i, sender in enumerate(SENDERS):
            one = FACTS.prompts[i % len(FACTS)]
            where = {"": None, "subject": (1,), "last": (len(one.clean_prompt.split()) - 1,)}[at]
            wanted = moved(adapter, one, sender, part, "noise", where)
            given = found.change[i % len(FACTS), r, i]
            assert given == pytest.approx(wanted, abs=2e-5), (sender, receiver)
    assert np.abs(found.change).max(axis=(0, 2)).min() > 1e-4, "every receiver reads something"


@pytest.mark.guarantee(
    "red",
    "Where attention and MLP read the same stream, the MLP of a layer reads none of its heads.",
    sees="a refusal of that path; by default the heads and MLPs of the layers before",
)
def test_an_mlp_beside_attention_does_not_read_it():
    adapter, one = adapter_of("gpt_neox", "nnsight"), FACTS.prompts[0]
    with pytest.raises(ExperimentError, match=r"mlp_out\.2 does not come after head\.2\.1"):
        path_patching(adapter, one, "head.2.1", "mlp_out.2")
    senders = path_patching(adapter, one, receivers="mlp_out.1").senders
    assert senders == ("head.0.0", "head.0.1", "head.0.2", "head.0.3", "mlp_out.0")


@pytest.mark.guarantee(
    "green",
    "Path patching exchanges what one part writes for one reader alone, with all attention and MLP "
    "outputs between held, and runs freely behind the reader.",
    sees="the numbers of plain hooks that hold each of them, on every architecture and backend",
)
@pytest.mark.parametrize(
    ("architecture", "backend"),
    [
        ("gemma4_text", "nnsight"),
        pytest.param("gemma4", "transformer_lens", marks=pytest.mark.slow),
    ],
)
def test_what_is_written_is_multiplied_by_the_blocks_behind_it(architecture, backend):
    adapter, receivers = adapter_of(architecture, backend), ("q.3.1", "mlp_out.2", "output")
    senders = ("embed", "head.1.3", "mlp_out.0")
    found = path_patching(adapter, FACTS, senders, receivers)
    for r, receiver in enumerate(receivers):
        for i, sender in enumerate(senders):
            wanted = moved(adapter, FACTS.prompts[i], sender, receiver, "noise")
            assert found.change[i, r, i] == pytest.approx(wanted, abs=2e-5), (sender, receiver)
    assert np.abs(found.change).max(axis=(0, 2)).min() > 1e-4, "every receiver reads something"
