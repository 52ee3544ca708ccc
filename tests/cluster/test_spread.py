"""Experiments spread over workers, without Ray: the workers are objects of this process."""

import pickle
from dataclasses import replace

import pytest
import torch
from planted_sets import planted_facts

from pytest_interp.cluster.jobs import MOST_DEATHS, Queue
from pytest_interp.cluster.needs import BESIDES, Needs, room
from pytest_interp.cluster.spread import Over, travelling
from pytest_interp.cluster.worker import Worker
from pytest_interp.errors import ClusterError
from pytest_interp.experiments import ablate, attention_patterns, lens_facts, trace_heads
from pytest_interp.experiments.spreading import spreading
from pytest_interp.models import load_model
from pytest_interp.options.metrics import LOGIT_DIFF, Metric
from pytest_interp.planted import planted_model
from pytest_interp.plugin.session import Models, RunOptions, Target
from pytest_interp.store.files import Store


class Here:
    """One worker in this process, which does the jobs in reverse."""

    def __init__(self):
        self.worker, self.jobs = Worker([], []), []

    def do(self, jobs, what, done):
        self.jobs += jobs
        for number in reversed(range(len(jobs))):
            well, value = self.worker.do(pickle.dumps(jobs[number]))
            value = pickle.loads(value)
            if not well:
                raise value
            done(number, value)


class Breaking(Here):
    """Nobody is there after the first job."""

    def do(self, jobs, what, done):
        super().do(jobs[:1], what, done)
        if len(jobs) > 1:
            raise ClusterError("all nodes are gone")


@pytest.fixture
def adapter():
    return load_model("planted-gpt2", "nnsight", "cpu")


def test_parts_are_computed_apart_and_controls_at_the_end(adapter):
    alone, crew = trace_heads(adapter, planted_facts()), Here()
    with spreading(Over(crew)):
        apart = trace_heads(adapter, planted_facts())
    assert [job.do for job in crew.jobs] == ["cut", *["compute"] * 2, "finish"]
    assert sum(job.n_facts for job in crew.jobs) == len(planted_facts())
    assert crew.worker.share_done() == 1, "which is what the line of progress is made of"
    assert (apart.patched == alone.patched).all()
    assert apart.controls == alone.controls
    assert replace(apart.provenance, time="") == replace(alone.provenance, time="")


def test_what_takes_all_facts_is_computed_when_all_are_there(adapter):
    asked = {"components": "mlp_out.2", "reference": "clean"}
    alone, crew = ablate(adapter, planted_facts(), **asked), Here()
    with spreading(Over(crew)):
        apart = ablate(adapter, planted_facts(), **asked)
        attention_patterns(adapter, planted_facts())
        attention_patterns(adapter, ["we heard that", "everyone knows"])
    ablating, reading = ["cut", *["compute"] * 2, "finish"], ["cut", *["compute"] * 2]
    assert [job.do for job in crew.jobs] == [*ablating, *reading]
    assert (apart.ablated == alone.ablated).all()
    assert (apart.reference, apart.controls) == (alone.reference, alone.controls)


@pytest.mark.guarantee(
    "kept",
    "A run on a cluster that broke goes on from the parts that were done.",
    sees="the other parts are computed, and the whole is the same",
)
def test_a_broken_run_goes_on_where_it_stopped(adapter, tmp_path):
    store, alone = Store(tmp_path), lens_facts(adapter, planted_facts())
    with spreading(Over(Breaking(), store)), pytest.raises(ClusterError, match="all nodes"):
        lens_facts(adapter, planted_facts())
    assert len(store.entries()) == 1
    crew = Here()
    with spreading(Over(crew, store)):
        apart = lens_facts(adapter, planted_facts())
    assert [job.do for job in crew.jobs] == ["cut", "compute"], "one of two parts was there"
    assert apart.to_json() == alone.to_json()
    assert (apart.answer_margin() == alone.answer_margin()).all()
    assert not store.entries(), "parts go when the whole is there"


def test_where_everything_is_computed_anew_no_part_is_read(adapter, tmp_path):
    with spreading(Over(Breaking(), Store(tmp_path))), pytest.raises(ClusterError):
        lens_facts(adapter, planted_facts())
    crew = Here()
    with spreading(Over(crew, Store(tmp_path, reads=False))):
        lens_facts(adapter, planted_facts())
    assert [job.do for job in crew.jobs] == ["cut", "compute", "compute"]


def test_parts_that_were_computed_in_another_way_are_not_kept(adapter, tmp_path):
    store, before = Store(tmp_path), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with spreading(Over(Breaking(), store)), pytest.raises(ClusterError, match="all nodes"):
            lens_facts(adapter, planted_facts())
    finally:
        torch.set_float32_matmul_precision(before)
    assert not store.entries()


@pytest.mark.guarantee(
    "kept",
    "What a cluster computed is kept whole, and read again without the cluster.",
    sees="how many results came from earlier runs; no worker is asked",
)
def test_a_second_run_asks_no_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(tmp_path))
    found = []
    for n_jobs, read in ((3, 0), (0, 1)):
        models, crew = Models(RunOptions()), Here()
        with models.keeping("on") as kept, spreading(Over(crew, Store.here())):
            weights = models.target_weights(Target("planted-gpt2", "nnsight", "cpu"))
            adapter = models.target_adapter(weights, "nnsight")
            found.append(lens_facts(adapter, planted_facts()))
        assert (len(crew.jobs), kept.read) == (n_jobs, read)
        assert len(kept.store.entries()) == 1
    assert found[1].to_json() == found[0].to_json()


@pytest.mark.guarantee(
    "red",
    "Weights that a test has changed are measured in its own process, whatever --interp-ray says.",
    sees="the result of the changed weights",
)
def test_what_is_not_as_it_was_loaded_stays_here(adapter, monkeypatch):
    assert travelling(adapter) is not None
    assert travelling(adapter.copy()) is None
    monkeypatch.setattr(adapter, "run", adapter.run)
    assert travelling(adapter) is None
    monkeypatch.undo()
    weight = adapter.weights.module.get_input_embeddings().weight
    before = weight.clone()
    weight.mul_(2)
    crew = Here()
    with spreading(Over(crew)):
        lens_facts(adapter, planted_facts())
    weight.copy_(before)
    assert not crew.jobs


def test_what_cannot_be_sent_stays_here(adapter):
    crew, own = Here(), Metric("own", lambda *run: LOGIT_DIFF(*run), "logits", 0.1)
    with spreading(Over(crew)):
        trace_heads(adapter, planted_facts(), metric=own, controls=False)
        trace_heads(adapter, planted_facts().take(1), controls=False)
    assert not crew.jobs


def test_a_part_that_kills_its_workers_is_given_up():
    queue = Queue(1)
    for _ in range(MOST_DEATHS - 1):
        queue.again(queue.take(), "traces", "it was killed")
    with pytest.raises(ClusterError, match=r"traces: 3 workers died .* it was killed"):
        queue.again(queue.take(), "traces", "it was killed")


def test_workers_ask_for_what_the_model_needs(adapter):
    model = replace(travelling(adapter), n_bytes=BESIDES)  # and twice that, in loading
    big, small = ({"CPU": 8.0, "memory": n * BESIDES} for n in (6.5, 2.0))
    needs = Needs.of(model, [big, small])
    assert (needs.cpus, needs.gpus, needs.memory) == (4, 0, 3 * BESIDES)
    assert room(needs, [big, small]) == 2
    on_cuda = replace(model, origin=replace(model.origin, device="cuda"))
    needs = Needs.of(on_cuda, [big])
    assert needs.gpus == 1
    assert room(needs, [big]) == 0
    assert room(needs, [{**big, "GPU": 1.0}]) == 1
    assert "needs 1 CPUs, 1 GPUs and 3.2 GB" in needs.too_much([big])


@pytest.mark.guarantee(
    "green",
    "What a cluster computes is of the weights that the run has in its hands, also where the files "
    "of a checkpoint were changed meanwhile, or are others on a node.",
    sees="the result of the weights as they are, or a ClusterError with both fingerprints",
)
def test_workers_have_the_weights_of_the_run(tmp_path):
    def save(scale):
        planted = planted_model("gpt2")
        planted.module.lm_head.weight.data *= scale
        planted.module.save_pretrained(tmp_path)
        planted.tokenizer.save_pretrained(tmp_path)
        return load_model(tmp_path, "nnsight", "cpu")

    crew, first = Here(), save(1.0)
    with spreading(Over(crew)):
        before = lens_facts(first, planted_facts())
        second = save(1.5)
        after = lens_facts(second, planted_facts())
        assert before.provenance.fingerprint == first.weights.fingerprint
        assert after.provenance.fingerprint == second.weights.fingerprint
        # the run holds the old weights, and the node can load the new ones alone
        with pytest.raises(ClusterError, match=f"here {first.weights.fingerprint}"):
            lens_facts(first, planted_facts())
