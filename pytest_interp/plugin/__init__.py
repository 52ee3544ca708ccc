"""The pytest plugin. Each part is a plugin module with its own options, hooks and fixtures.

Loading it imports neither torch nor a backend: a run that uses no fixture of ours pays nothing.
"""

# A module stands after those that it imports: in an editable install, older versions of pytest warn
# about a plugin that was imported before its turn.
pytest_plugins = [
    "pytest_interp.plugin.extensions",
    "pytest_interp.plugin.options",
    "pytest_interp.plugin.cluster",
    "pytest_interp.plugin.targets",
    "pytest_interp.plugin.only",
    "pytest_interp.plugin.workers",
    "pytest_interp.plugin.models",
    "pytest_interp.plugin.kept",
    "pytest_interp.plugin.specs",
    "pytest_interp.plugin.mistakes",
    "pytest_interp.plugin.fixtures",
    "pytest_interp.plugin.progress",
    "pytest_interp.plugin.records",
    "pytest_interp.plugin.pending",
    "pytest_interp.plugin.baselines",
    "pytest_interp.plugin.unused",
    "pytest_interp.plugin.standins",
    "pytest_interp.plugin.claims",
    "pytest_interp.plugin.unread",
    "pytest_interp.plugin.repeats",
    "pytest_interp.plugin.report",
    "pytest_interp.plugin.summary",
    "pytest_interp.plugin.figures",
]
