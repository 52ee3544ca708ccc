"""What an experiment is asked: metrics, corruptions, and the options of a trace, each a value."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
