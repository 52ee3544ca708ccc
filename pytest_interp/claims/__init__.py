"""Claims: checks that return a verdict, and assertions that raise on any but a passed one.

Modules are imported when a name of theirs is asked for: NumPy and the statistics with the first
claim, not with the plugin.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
