"""Settings for the tests."""

import os

# torch starts a thread for each core in every process; under xdist the workers share the cores.
# torch reads this when it is first imported, and subprocesses of the tests inherit it.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _workers)))
