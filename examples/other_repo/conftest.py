"""What this repository adds: a model under its own name, and a fixture in place of the plugin's."""

import pytest

from pytest_interp.models import PlantedSource, register_model

register_model("our-model", PlantedSource("gpt2"))


@pytest.fixture(scope="session")
def adapter(adapter):
    """The plugin's adapter, refused where it is not the model that this repository is about."""
    assert adapter.name == "our-model"
    return adapter
