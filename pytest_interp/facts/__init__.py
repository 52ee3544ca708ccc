"""Facts: prompts that ask for them, sets of them, and the sets that the package ships. No torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
