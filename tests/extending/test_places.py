"""A site, an architecture and a model, each added from outside."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pytest_interp.adapters import Layout, Weights, backend_names, open_adapter, register_layout
from pytest_interp.adapters.places import register_site
from pytest_interp.adapters.sites import (
    MLP_OUT,
    RESID_POST,
    Site,
    SiteKind,
    parse_kind,
    parse_site,
    site_kinds,
)
from pytest_interp.errors import HookError, InterpError, UnknownNameError, UnsupportedSiteError
from pytest_interp.experiments import causal_trace
from pytest_interp.models import load_model, register_model
from pytest_interp.models.check import check_model
from pytest_interp.planted import planted_model
from tests.tiny import tiny_module, tiny_tokenizer, tiny_weights

# ---------------------------------------------------------------------------------- a site

MLP_HIDDEN = SiteKind("mlp_hidden", shape="[row, pos, d_mlp]", before="mlp_out")
PLACES = {
    "transformer_lens": "mlp.out.hook_in",
    "modules": {
        "gpt2": "mlp.c_proj.input",
        "llama": "mlp.down_proj.input",
        "gemma3": "mlp.down_proj.input",
    },
}


@pytest.fixture(autouse=True)
def hidden():
    register_site(MLP_HIDDEN, PLACES)


DOWN = {"gpt2": "c_proj", "llama": "down_proj", "gemma3": "down_proj"}


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("architecture", ["gpt2", "llama", "gemma3"])
def test_added_site_is_read_and_written_where_a_torch_hook_says(architecture, backend):
    weights = tiny_weights(architecture)
    adapter = open_adapter(weights, backend)
    tokens = torch.tensor([[3, 7, 11, 19]])
    seen = []
    down = weights.module.get_submodule(f"{adapter.layout.blocks}.1.mlp.{DOWN[architecture]}")
    handle = down.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    weights.module(tokens)
    handle.remove()
    site = Site(MLP_HIDDEN, 1)

    read = adapter.run(tokens, capture=[site])
    # float32 sums of 48 products in another order: 1e-6 of values of about 1
    torch.testing.assert_close(read[site], seen[0], atol=1e-5, rtol=1e-5)

    # without its hidden layer an MLP adds nothing but its bias
    mlp_out = Site(MLP_OUT, 1)
    written = adapter.run(tokens, capture=[mlp_out], edits={site: torch.zeros_like})
    assert written[mlp_out].std(dim=1).abs().max() < 1e-6
    assert not torch.equal(written.logits, read.logits)


@pytest.mark.parametrize("backend", backend_names())
def test_added_site_can_be_traced(backend):
    planted = planted_model("gpt2")
    adapter = load_model("planted-gpt2", backend)
    hidden = causal_trace(adapter, planted.facts[0], site="mlp_hidden")
    out = causal_trace(adapter, planted.facts[0], site="mlp_out")
    # what an MLP adds is a function of its hidden layer alone
    np.testing.assert_allclose(hidden.recovery, out.recovery, atol=1e-4)
    assert out.recovery.max() > 0.5


def test_added_site_is_known_by_name():
    assert parse_kind("mlp_hidden") == MLP_HIDDEN
    assert parse_site("mlp_hidden@last").kind == MLP_HIDDEN
    names = [kind.name for kind in site_kinds()]
    assert names.index("mlp_hidden") == names.index("mlp_out") - 1
    with pytest.raises(UnknownNameError, match="mlp_hidden"):
        Site("mlp_hiden", 0)


@pytest.mark.parametrize("backend", backend_names())
def test_added_site_without_a_place_is_refused(backend):
    table = {"transformer_lens": {"modules": {"llama": "mlp.input"}}}
    places = table.get(backend, {"modules": {"gpt2": "mlp.input"}})
    only = register_site(SiteKind("somewhere", before="mlp_out"), places)
    adapter = open_adapter(tiny_weights("llama"), backend)
    with pytest.raises(UnsupportedSiteError, match=f"{backend} on the architecture 'llama'"):
        adapter.run([[1, 2]], capture=[Site(only, 0)])


@pytest.mark.parametrize("backend", backend_names())
def test_a_check_covers_added_sites(backend):
    found = check_model(tiny_weights("llama"), [backend], "w1 w2 w3")
    assert {one.name for one in found} >= {"read mlp_hidden", "identity at mlp_hidden"}
    assert all(one.holds for one in found)


def test_a_check_finds_an_added_site_that_the_backends_find_in_different_places():
    wrong = PLACES | {"transformer_lens": "mlp.hook_out"}
    register_site(MLP_HIDDEN, wrong, replace=True)
    found = check_model(tiny_weights("llama"), ["transformer_lens"], "w1 w2 w3")
    assert [one.name for one in found if not one.holds] == ["read mlp_hidden"]


QUERY = {
    "transformer_lens": "attn.q.hook_out",
    "modules": {"llama": "self_attn.q_proj.output"},
}
SHAPES = pytest.mark.guarantee(
    "green",
    "An added site has the shape that its row says, under every backend.",
    sees="HookError with the backend, the site and both shapes; a row of pytest-interp models "
    "check",
)


def shapes_of(**what):
    """What each backend gives or says at an added site, on weights of 4 heads of 8."""
    query = register_site(SiteKind("query", before="head", **what), QUERY, replace=True)
    said = {}
    for backend in backend_names():
        adapter = open_adapter(tiny_weights("llama"), backend)
        try:
            said[backend] = list(
                adapter.run([range(14)], capture=[Site(query, 1)])[Site(query, 1)].shape
            )
        except HookError as error:
            said[backend] = str(error)
    return said


@SHAPES
@pytest.mark.parametrize(
    ("what", "right", "found", "wanted"),
    [
        ({"shape": "[row, pos, d_q]"}, "nnsight", [1, 14, 4, 12], "[row, 14, d_q]"),
        (
            {"shape": "[row, pos, head, d_head]"},
            "transformer_lens",
            [1, 14, 48],
            "[row, 14, 4, d_head]",
        ),
    ],
)
def test_a_shape_that_one_backend_alone_gives_is_refused_under_the_other(
    what, right, found, wanted
):
    said = shapes_of(**what)
    assert said.pop(right) == ([1, 14, 48] if right == "nnsight" else [1, 14, 4, 12])
    (wrong,) = said
    assert said[wrong].startswith(
        f"in <tiny-llama under {wrong}> the site query.1 has the shape {found}, but its kind says "
        f"{what['shape']}, here {wanted}. "
    )


@SHAPES
def test_a_size_that_is_known_is_compared():
    assert all("here [row, 14, 32]" in said for said in shapes_of().values())


def test_a_row_that_counts_heads_is_the_same_under_every_backend():
    said = shapes_of(shape="[row, pos, head, d_head]", per_head=True)
    assert all(shape == [1, 14, 4, 12] for shape in said.values())


@SHAPES
def test_a_check_of_a_model_names_the_site_of_another_shape():
    query = SiteKind("query", shape="[row, pos, d_q]", before="head")
    register_site(query, QUERY)
    found = check_model(tiny_weights("llama"), backend_names()[:2], "w1 w2 w3")
    wrong = [one for one in found if not one.holds]
    names = [f"{row} query" for row in ("read", "identity at", "large edit at", "gradient at")]
    assert [one.name for one in wrong] == names
    (reason,) = wrong[0].reasons
    assert "<tiny-llama under transformer_lens> the site query.0 has the shape" in reason
    assert wrong[0].differences["nnsight"] < 1e-6


@pytest.mark.parametrize("shape", ["", "row, pos", "[row,pos]", "[row, pos"])
def test_a_shape_that_cannot_be_read(shape):
    with pytest.raises(InterpError, match="must name its dimensions"):
        SiteKind("query", shape=shape, before="head")


@pytest.mark.parametrize("name", ["mlp_out", "mlp_hidden", "Upper", "head.1"])
def test_site_names_that_cannot_be_added(name):
    with pytest.raises(InterpError):
        register_site(SiteKind(name, before="attn_out"), {"modules": {"gpt2": "mlp.input"}})


def test_a_site_of_the_package_is_replaced_where_that_is_asked():
    other = SiteKind("mlp_out", before="resid_post", traceable=False)
    register_site(other, {"transformer_lens": "mlp.hook_out"}, replace=True)
    assert not parse_kind("mlp_out").traceable


# -------------------------------------------------------------------------- an architecture


@pytest.fixture
def renamed():
    """A model of a type that nobody has described: a Llama under another name."""
    module = tiny_module("llama")
    module.config.model_type = "somebodys_llama"
    return Weights("somebodys", module, tiny_tokenizer(), "random")


@pytest.mark.parametrize("backend", backend_names())
def test_architecture_is_one_layout(renamed, backend):
    with pytest.raises(UnknownNameError, match="register_layout"):
        open_adapter(renamed, backend)
    register_layout(
        Layout(
            name="somebodys",
            model_types=("somebodys_llama",),
            embed="model.embed_tokens",
            blocks="model.layers",
            attention="self_attn",
            z="self_attn.o_proj",
            attn_out="self_attn",
            resid_mid="post_attention_layernorm",
            mlp_out="mlp",
            final_norm="model.norm",
        )
    )
    adapter = open_adapter(renamed, backend)
    tokens = adapter.encode("w1 w2 w3")
    run = adapter.run(tokens, capture=adapter.sites(RESID_POST), logits="all")
    expected = renamed.module(tokens, output_hidden_states=True)
    torch.testing.assert_close(run.logits, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        run[Site(RESID_POST, 0)], expected.hidden_states[1], atol=1e-5, rtol=1e-5
    )


# --------------------------------------------------------------------------------- a model


def test_model_is_one_line(tmp_path):
    tiny_module("gpt2").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    register_model("extending-tiny", tmp_path)
    adapter = load_model("extending-tiny", "nnsight")
    assert adapter.name == "extending-tiny"
    assert adapter.n_layers == 4
