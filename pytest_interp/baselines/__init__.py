"""The numbers and the figure behind a claim: kept, compared, updated, and shown as differences.

``baselines.diff`` compares two folders or git revisions. The rest is behind the fixture
``baseline``. Nothing is imported here: the plugin is loaded in runs that keep no baseline.
"""
