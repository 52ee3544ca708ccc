"""Models by name: a registry, the places weights come from, and loading.

Importing this package is light. torch and transformers are imported when a model is loaded.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
