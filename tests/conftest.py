"""Settings for the tests."""

import os
from importlib import import_module

import pytest

# torch starts a thread for each core in every process; under xdist the workers share the cores.
# torch reads this when it is first imported, and subprocesses of the tests inherit it. Set in
# workers alone: what their controller sets they would inherit, and 4 threads on 2 cores crawl.
_workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT")
if _workers is not None:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(_workers))))


@pytest.fixture(autouse=True)
def own_registries(monkeypatch):
    """What a test registers is gone after it: no test depends on which ones ran before."""
    # what the package registers when it is imported must not look like the work of a test
    import_module("pytest_interp.experiments.configs")
    from pytest_interp.adapters import layouts, sites
    from pytest_interp.claims.registry import CLAIMS
    from pytest_interp.experiments import registry as experiments
    from pytest_interp.models import registry as models

    CLAIMS.names()  # those of the package
    for module, table in (
        (models, "_registry"),
        (experiments, "_registry"),
        (layouts, "_LAYOUTS"),
        (sites, "_ADDED"),
        (sites, "_ORDER"),
        (CLAIMS, "_things"),
    ):
        monkeypatch.setattr(module, table, dict(getattr(module, table)))
