"""A site: what the neurons of an MLP give, before the projection back to the stream."""

from pytest_interp.adapters import SiteKind, register_site

MLP_NEURONS = register_site(
    SiteKind("mlp_neurons", shape="[row, pos, d_mlp]", before="mlp_out", stays_in_column=True),
    places={
        "transformer_lens": "mlp.out.hook_in",
        "modules": {
            "gpt2": "mlp.c_proj.input",
            "llama": "mlp.down_proj.input",
            "olmo2": "mlp.down_proj.input",
        },
    },
)
