"""Experiments: written once, above the one primitive. torch is imported when one is used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
