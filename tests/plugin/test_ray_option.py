"""``--interp-ray`` and its refusals."""

import socket

import pytest
from planted_sets import planted_facts

from pytest_interp.cluster.using import on_cluster
from pytest_interp.errors import ClusterError
from pytest_interp.experiments import lens_facts
from pytest_interp.models import load_model


@pytest.mark.guarantee(
    "messages",
    "Without Ray, ``--interp-ray`` says in one line what to install.",
    sees="the command of pip",
)
def test_without_ray_one_line_says_what_to_install(pytester, monkeypatch):
    monkeypatch.setattr("pytest_interp.cluster.using.find_spec", lambda _: None)
    pytester.makepyfile("def test_nothing(): pass")
    run = pytester.runpytest_inprocess("--interp-ray=auto")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines("ERROR: Ray is not installed. Run: pip install 'pytest-interp[[]ray]'")


@pytest.mark.guarantee(
    "messages",
    "Where no cluster answers at the address of ``--interp-ray``, an experiment says so at once.",
    sees="the address, and how a cluster is started",
)
def test_an_address_where_nothing_listens(monkeypatch):
    monkeypatch.setattr("pytest_interp.cluster.using.find_spec", bool)  # Ray is not needed for it
    # a port that was free a moment ago
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*taken.getsockname())
    adapter = load_model("planted-gpt2", "transformer_lens", "cpu")
    refused = pytest.raises(
        ClusterError, match=f"no Ray cluster answers at (ray://)?{address}: .*refused"
    )
    with refused, on_cluster(address):
        lens_facts(adapter, planted_facts())
    with refused, on_cluster(f"ray://{address}"):
        lens_facts(adapter, planted_facts())


def test_a_path_is_no_address(pytester):
    pytester.makepyfile(test_it="def test_nothing(): pass")
    run = pytester.runpytest_inprocess("--interp-ray", "test_it.py")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines("*--interp-ray test_it.py: that is a file or a folder.*")


def test_not_beside_workers_of_xdist(pytester):
    pytest.importorskip("xdist")
    pytester.makepyfile("def test_nothing(): pass")
    run = pytester.runpytest_inprocess("--interp-ray=auto", "-n", "1")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines("*--interp-ray and -n both spread the work*")


def test_a_run_that_computes_nothing_asks_no_cluster(pytester):
    pytester.makeini("[pytest]\ninterp_ray = 127.0.0.1:1")
    pytester.makepyfile("import sys\ndef test_nothing(): assert 'ray' not in sys.modules")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
