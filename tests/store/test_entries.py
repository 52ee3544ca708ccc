"""Entries of the store: exact, whole or not there, within the limit."""

import math
import os
from types import MappingProxyType

import numpy as np
import pytest

from pytest_interp import FactSet, causal_trace, known_facts, logit_lens, trace_facts
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.experiments.calls import Call
from pytest_interp.planted import planted_model
from pytest_interp.store.answers import Kept
from pytest_interp.store.codec import CannotBeKept, decode, encode
from pytest_interp.store.files import Store

EXACT = pytest.mark.guarantee(
    "files",
    "A result that was kept is read back to the last bit.",
    sees="dtype, numbers and provenance of the run that computed it",
)


@pytest.fixture(scope="module")
def results():
    planted = planted_model("gpt2", n_layers=2)
    weights = Weights("planted", planted.module, planted.tokenizer, "planted")
    adapter, fact = open_adapter(weights, "transformer_lens"), planted.facts[0]
    return [
        causal_trace(adapter, fact),
        trace_facts(adapter, FactSet.of(planted.facts[:2])),
        logit_lens(adapter, fact.clean_prompt, fact.answer),
        known_facts(adapter, FactSet.of(planted.facts[:2])),
    ]


def arrays_in(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from arrays_in(one)
    elif hasattr(value, "__dict__"):
        yield from arrays_in(list(vars(value).values()))


@EXACT
def test_results_come_back_to_the_last_bit(results, tmp_path):
    store = Store(tmp_path)
    for number, result in enumerate(results):
        assert store.write(str(number), result)
        back = store.read(str(number))
        assert type(back) is type(result)
        assert encode(back) == encode(result)
        pairs = list(zip(arrays_in(result), arrays_in(back), strict=True))
        for one, other in pairs:
            assert one.tobytes() == other.tobytes()
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.flags.writeable == other.flags.writeable
    assert store.read("0").provenance == results[0].provenance
    assert store.read("0").to_json() == results[0].to_json()


@EXACT
@pytest.mark.parametrize(
    "value",
    [
        0.1 + 0.2,
        -0.0,
        math.inf,
        np.float32(0.1),
        np.array([[1.5, math.nan]], dtype=np.float16),
        np.arange(4, dtype=np.int64)[::2],
        np.array(3.0),
        (1, ["a", {"b": (None, True), 3: range(1, 9, 2)}]),
        frozenset({"x", "y"}),
        MappingProxyType({"a": (1, 2)}),
    ],
)
def test_plain_values_keep_their_kind(value):
    back = decode(encode(value))
    assert type(back) is type(value)
    assert repr(back) == repr(value)
    assert getattr(back, "dtype", None) == getattr(value, "dtype", None)


@pytest.mark.parametrize(
    "value", [object(), len, np.array([object()]), {"a": test_plain_values_keep_their_kind}]
)
def test_what_is_not_of_this_package_is_not_kept(value, tmp_path):
    with pytest.raises(CannotBeKept):
        encode(value)
    assert not Store(tmp_path).write("key", value)
    assert Store(tmp_path).entries() == []


@pytest.mark.guarantee(
    "files",
    "A damaged entry of the store is dropped, and its result is computed again.",
    sees="the run goes on as if the entry were not there",
)
@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "code"])
def test_a_damaged_entry_is_dropped(harm, tmp_path):
    store = Store(tmp_path)
    store.write("key", (1.5, 2.5))
    file = next(tmp_path.glob("*.result"))
    whole = file.read_bytes()
    harmed = {
        "cut": whole[:-3],
        "flip": whole.replace(b"1.5", b"9.5"),
        "empty": b"",
        "code": whole.replace(b"tuple", b"pytest_interp.cli:main"),
    }[harm]
    file.write_bytes(harmed)
    assert store.read("key") is None
    assert store.entries() == []
    store.write("key", (1.5, 2.5))
    assert store.read("key") == (1.5, 2.5)


@pytest.mark.guarantee(
    "files",
    "An entry of the store answers for its own key alone, whatever name its file is given.",
    sees="a file that was copied or renamed is dropped, and the result is computed",
)
def test_an_entry_of_another_key_is_dropped(tmp_path):
    store = Store(tmp_path)
    store.write("one", 1.5)
    store.write("other", 2.5)
    (tmp_path / "other.result").write_bytes((tmp_path / "one.result").read_bytes())
    assert store.read("other") is None
    assert store.read("one") == 1.5
    (tmp_path / "one.result").rename(tmp_path / "third.result")
    assert store.read("third") is None
    assert store.entries() == []


def test_what_is_no_file_is_neither_waited_for_nor_an_error(tmp_path):
    store = Store(tmp_path)
    os.mkfifo(tmp_path / "pipe.result")
    (tmp_path / "folder.result").mkdir()
    for name in ("pipe", "folder"):
        assert store.read(name) is None
    store.drop("folder")
    assert not store.write("folder", 1.5)
    assert store.clear() == 1  # the pipe
    assert [file.stem for file, _ in store.entries()] == ["folder"]


@pytest.mark.guarantee(
    "files",
    "The store stays within its limit: what was not used for longest goes first.",
    sees="older results are computed again",
)
def test_what_was_not_used_for_longest_goes_first(tmp_path):
    store = Store(tmp_path, limit=230)
    for age, name in enumerate(["a", "b", "c"]):
        store.write(name, name * 20)
        os.utime(tmp_path / f"{name}.result", (age, age))
    store.read("a")
    store.write("d", "d" * 100)
    assert {file.stem for file, _ in store.entries()} == {"a", "d"}
    assert not list(tmp_path.glob(".new-*"))
    assert store.clear() == 2
    assert store.read("a") is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    assert not Store(tmp_path / "file").write("key", 1)
    assert Store(tmp_path / "not" / "there").write("key", 1), "one that is not there is made"
    assert Store(tmp_path / "not" / "there").read("key") == 1


class Models:
    """Knows one model, as it was loaded."""

    def kept_as(self, adapter):
        return {"name": "made", "backend": "nnsight"}


def test_what_was_read_and_what_was_computed_is_counted(tmp_path):
    calls = [Call(logit_lens, None, ("a prompt", f" answer {n}")) for n in (1, 2, 1, 3)]
    first = Kept(Models(), Store(tmp_path))
    assert [first.answer(call, lambda on: on.given[1]) for call in calls[:3]] == [
        " answer 1", " answer 2", " answer 1",
    ]  # fmt: skip
    assert first.said("--interp-cache").startswith("1 of 3 results came from earlier runs")
    later = Kept(Models(), Store(tmp_path))
    for call in calls:
        later.answer(call, lambda on: on.given[1])
    assert later.said("--interp-cache").startswith("3 of 4 results came from earlier runs")
