"""The numbers and the figure behind a claim: kept, compared, updated, and shown as differences.

:func:`diff_baselines` compares two folders or git revisions. The rest is behind the fixture
``baseline``. Names are imported when they are first asked for: the plugin is loaded in runs that
keep no baseline.
"""

from typing import TYPE_CHECKING

from pytest_interp.lazy import lazy_names

if TYPE_CHECKING:
    from pytest_interp.baselines.diff import diff_baselines

__all__ = ["diff_baselines"]

__getattr__ = lazy_names(__name__, {"diff_baselines": "diff"})
