"""What tests of several experiments share."""

import pytest
from tiny import adapter_of


@pytest.fixture
def passes(monkeypatch):
    """The adapter of a backend, and a list that gets the rows of each of its forward passes."""

    def watch(backend):
        adapter, found = adapter_of("llama", backend), []
        forward = type(adapter)._forward

        def counted(self, *args):
            logits = forward(self, *args)
            found.append(len(logits))
            return logits

        monkeypatch.setattr(type(adapter), "_forward", counted)
        return adapter, found

    return watch
