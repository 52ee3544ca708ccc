"""Models by name: a registry, the places weights come from, and loading.

Importing this package is light. torch and transformers are imported when a model is loaded.
"""

from pytest_interp.deferred import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__, among=("loader",))
