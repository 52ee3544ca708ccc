"""The pytest plugin. Each part is a plugin module with its own options, hooks and fixtures.

Loading it imports neither torch nor a backend: a run that uses no fixture of ours pays nothing.
"""

pytest_plugins = [
    "pytest_interp.plugin.extensions",
    "pytest_interp.plugin.options",
    "pytest_interp.plugin.targets",
    "pytest_interp.plugin.models",
    "pytest_interp.plugin.fixtures",
    "pytest_interp.plugin.progress",
    "pytest_interp.plugin.baselines",
    "pytest_interp.plugin.records",
    "pytest_interp.plugin.specs",
    "pytest_interp.plugin.claims",
]
