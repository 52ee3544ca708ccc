"""With ``-n`` alone, tests on one model stay in one worker, and the workers share the threads."""

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("xdist")

from xdist.remote import Producer

from pytest_interp.models.threads import share_threads
from pytest_interp.plugin import workers
from pytest_interp.plugin.scheduling import ByFile, Scheduler, files_on_models

ON_A_MODEL = """
import os, pytest

pytestmark = pytest.mark.interp(model="planted-gpt2", backends=["nnsight"])

@pytest.mark.parametrize("n", range(6))
def test_x(model, n, record_property):
    import torch
    print(f"{__name__}: {os.environ['PYTEST_XDIST_WORKER']}, {torch.get_num_threads()} threads")
"""
PLAIN = """
import os, pytest

@pytest.mark.parametrize("n", range(6))
def test_plain(n):
    print(f"{__name__}: {os.environ['PYTEST_XDIST_WORKER']}, 0 threads")
"""


@pytest.fixture
def places(pytester, monkeypatch):
    """Where tests ran: for each module, the workers and the threads of torch in them."""

    def run(*arguments, files=("test_a", "test_b")):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        pytester.makepyfile(test_plain=PLAIN, **dict.fromkeys(files, ON_A_MODEL))
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rP", *arguments)
        result.assert_outcomes(passed=6 + 6 * len(files))
        found = re.findall(r"^(\w+): (gw\d), (\d+) threads$", "\n".join(result.outlines), re.M)
        assert len(found) == 6 + 6 * len(files)
        return {
            module: ({worker for m, worker, _ in found if m == module},
                     {int(n) for m, _, n in found if m == module})
            for module in {module for module, *_ in found}
        }  # fmt: skip

    return run


def all_threads():
    code = "import torch; print(torch.get_num_threads())"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    return int(done.stdout)


@pytest.mark.guarantee(
    "kept",
    "Under xdist a file of tests on a model stays in one worker, without being asked to.",
    sees="No model is loaded and traced twice; the time of one process or less.",
)
def test_a_file_on_a_model_stays_in_one_worker(places):
    found = places("-n2")
    assert len(found["test_a"][0]) == len(found["test_b"][0]) == 1
    assert found["test_a"][0] != found["test_b"][0]
    share = max(1, all_threads() // 2)
    assert found["test_a"][1] == found["test_b"][1] == {share}


def test_a_worker_that_is_alone_on_models_has_all_threads(places):
    where, threads = places("-n2", files=["test_a"])["test_a"]
    assert len(where) == 1
    assert threads == {all_threads()}


@pytest.mark.parametrize(
    ("arguments", "is_ours"), [(["-n2"], True), (["-n2", "--dist=load"], False), (["-d"], False)]
)
def test_a_mode_that_the_user_chose_wins(pytester, arguments, is_ours):
    config = pytester.parseconfig(*arguments)
    next(workers.pytest_cmdline_main(config))
    config.option.dist, config.option.tx = "load", ["popen"]  # as xdist does
    made = workers.pytest_xdist_make_scheduler(config, Producer("test"))
    assert isinstance(made, Scheduler) == is_ours


def test_other_tests_are_spread_in_pieces_in_their_order(pytester):
    config = pytester.parseconfig("-n2")
    config.option.tx = ["popen"] * 2
    scheduler = ByFile(config, Producer("test"))
    plain = [f"test_plain.py::test_{i}" for i in range(16)]
    on_a_model = ["test_a.py::test_x[planted-gpt2]", "test_a.py::test_y"]
    scheduler.place([*on_a_model, *plain], {"test_a.py"})
    assert {scheduler._split_scope(test) for test in on_a_model} == {"test_a.py"}
    assert [scheduler._split_scope(test) for test in plain] == [
        f"piece {i // 2}" for i in range(16)
    ]


def test_threads_that_the_user_chose_win(monkeypatch):
    asked = []
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    share_threads(1)
    share_threads(3)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    share_threads(3)
    assert asked == [2]


@pytest.mark.parametrize(
    ("test", "is_on_a_model"),
    [
        ("a/test_x.py::test_y[smollm2-135m-nnsight]", True),
        ("a/test_x.py::T::test_y[a-1-org/name-transformer_lens-b]", True),
        ("a/test_x.py::test_y[planted-gpt2]", True),
        ("a/x.interp.yaml::spec", True),
        ("a/test_x.py::test_y[nnsight]", False),
        ("a/test_x.py::test_nnsight", False),
        ("a/test_x.py::test_y[gpt2x]", False),
        ("a/test_x.py::test_y", False),
    ],
)
def test_files_on_models_are_known_by_the_ids_of_their_tests(test, is_on_a_model):
    assert files_on_models([test]) == ({test.partition("::")[0]} if is_on_a_model else set())
