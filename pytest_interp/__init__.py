"""Claims about the insides of language models, as tests.

Everything that a spec or a script needs is here; torch and the backends are imported when a name
that needs them is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
