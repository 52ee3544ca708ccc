"""A site: what the MLP of a block reads, behind the norm."""

from pytest_interp.adapters import SiteKind, register_site

MLP_IN = register_site(
    SiteKind("mlp_in", before="mlp_neurons", stays_in_column=True),
    places={
        "transformer_lens": "mlp.hook_in",
        "modules": {"gpt2": "mlp.input", "llama": "mlp.input", "starcoder2": "mlp.input"},
    },
)
