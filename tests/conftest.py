"""Settings for the tests."""

import os
import sys
from typing import Any

import pytest
from _pytest import pytester

from pytest_interp import registry

# torch starts a thread for each core in every process; under xdist the workers share the cores.
# torch reads this when it is first imported, and subprocesses of the tests inherit it. Set in
# workers alone: what their controller sets they would inherit, and 4 threads on 2 cores crawl.
_workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT")
if _workers is not None:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(_workers))))

# no test reads or writes results that the user's runs have kept, nor do subprocesses of the tests
os.environ["PYTEST_INTERP_RESULTS"] = "off"


class ImportedOnce(pytester.SysModulesSnapshot):
    """Runs inside of tests forget what they are the first to import; not packages, nor this one.

    A second copy of a module of torch or matplotlib takes time and memory, and it does not know the
    classes of the first.
    """

    def restore(self) -> None:
        there: dict[str, Any] = dict(sys.modules)
        super().restore()
        for name, module in there.items():
            file = getattr(module, "__file__", None) or ""
            if "site-packages" in file or name.partition(".")[0] == "pytest_interp":
                sys.modules.setdefault(name, module)


pytester.SysModulesSnapshot = ImportedOnce


def pytest_configure(config):
    # claims of the runs inside of tests are heard out here as well; specs of ours show theirs
    given = getattr(config.option, "interp_summary", None)
    config.option.interp_summary = given or "none"


@pytest.fixture(autouse=True)
def own_registries():
    """What a test registers is gone after it: no test depends on which ones ran before."""
    with registry.restored():
        yield


@pytest.fixture(autouse=True)
def no_summary_of_these_tests(own_registries, monkeypatch):  # its patches are undone first
    """Runs of pytest inside the tests add nothing to what GitHub shows of this run."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
