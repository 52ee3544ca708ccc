"""Figures of results: drawn with matplotlib's Agg, without pyplot and its global state.

matplotlib is imported with the first name that draws.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
