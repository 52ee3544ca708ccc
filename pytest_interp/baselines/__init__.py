"""The numbers and the figure behind a claim: kept, compared, updated, and shown as differences.

:func:`diff_baselines` compares two folders or git revisions. The rest is behind the fixture
``baseline``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
