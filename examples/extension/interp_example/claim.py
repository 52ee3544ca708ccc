"""A claim, in Python and in YAML: the residual stream grows from layer to layer."""

from interp_example.experiment import Norms
from pytest_interp.claims import register_claim


@register_claim("norms_grow")
def assert_norms_grow(result: Norms, factor: float = 1.0) -> None:
    """Assert that each layer makes the stream at least ``factor`` times as long."""
    for layer, (before, after) in enumerate(zip(result.norms, result.norms[1:], strict=False)):
        assert after >= factor * before, f"from layer {layer} on it grows by {after / before:.2f}"
