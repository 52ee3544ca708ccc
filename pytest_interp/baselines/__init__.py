"""The numbers and the figure behind a claim: kept, compared, updated, and shown as differences.

``diff`` compares two folders or git revisions. The rest is behind the fixture ``baseline``.
"""

from pytest_interp.baselines.diff import ClaimDiff, Report, diff

__all__ = ["ClaimDiff", "Report", "diff"]
