"""A config says what a model is. What it asks of the program that opens it is left aside."""

import json
import subprocess
import sys

import pytest
import torch

from pytest_interp.errors import NotAModelError
from pytest_interp.models import load_model, load_weights
from pytest_interp.models.configuration import CONFIG
from tests.models.test_checkpoint import configure


@pytest.mark.guarantee(
    "files",
    "The attention that a checkpoint's config asks for is not used, and no kernel is fetched.",
    sees="A warning with the name that was asked for; results are of eager attention, and say so.",
)
@pytest.mark.parametrize("key", ["_attn_implementation", "attn_implementation"])
@pytest.mark.parametrize("value", ["sdpa", "flash_attention_2", "kernels-community/x", "x", 3, {}])
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
def test_attention_is_eager_whatever_the_config_asks_for(tiny, monkeypatch, key, value, backend):
    monkeypatch.setattr("transformers.modeling_utils.lazy_import_flash_attention", fetched)
    configure(tiny, **{key: value})
    with pytest.warns(UserWarning, match="asks for the attention .*, which is not used"):
        adapter = load_model(tiny, backend, "cpu")
    assert adapter.weights.module.config._attn_implementation == "eager"
    assert adapter.provenance().attention == "eager"
    (site, *_) = adapter.sites("pattern")
    seen = adapter.run(adapter.encode("the capital of Japan is"), capture=[site])[site]
    assert torch.allclose(seen.sum(-1), torch.ones(1, 2, 5))


def fetched(*_, **__):
    raise AssertionError("a kernel was asked for")


def test_the_same_attention_is_no_matter(tiny):
    configure(tiny, _attn_implementation="eager", attn_implementation=None)
    load_weights(tiny, "cpu")  # a warning would be an error


MARKER = "from pathlib import Path; Path({!r}).mkdir()\n"
CODE = {
    "auto_map": {
        "AutoConfig": "evil.Config",
        "AutoModelForCausalLM": "evil.Model",
        "AutoTokenizer": ["evil.Tokenizer", None],
    },
    "custom_pipelines": {"text-generation": {"impl": "evil.Pipeline"}},
    "trust_remote_code": True,
}


@pytest.fixture
def evil(tiny, tmp_path):
    """A folder with code that leaves a trace when it is run, and configs that name it."""
    (tiny / "evil.py").write_text(MARKER.format(str(tmp_path / "ran")), encoding="utf-8")
    (tiny / "custom_generate").mkdir()
    (tiny / "custom_generate" / "generate.py").write_text(
        MARKER.format(str(tmp_path / "ran")), encoding="utf-8"
    )
    configure(tiny, **CODE)
    file = tiny / "tokenizer_config.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(said | CODE), encoding="utf-8")
    return tiny


@pytest.mark.guarantee(
    "files",
    "Code in a model's folder is never run, whatever names it.",
    sees="The model without its code, or `NotAModelError` that names auto_map.",
)
def test_code_in_the_folder_is_never_run(evil, tmp_path):
    load_weights(evil, "cpu")
    assert not (tmp_path / "ran").exists()
    configure(evil, model_type="of-its-own")
    with pytest.raises(NotAModelError, match=r"auto_map.*never run"):
        load_weights(evil, "cpu")
    assert not (tmp_path / "ran").exists()


QUIET = """
import json, socket, sys

def refuse(*args, **kwargs):
    raise SystemExit("the network was asked")

socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from pytest_interp.models import load_weights
load_weights(sys.argv[1], "cpu")
print("loaded")
"""


@pytest.mark.guarantee(
    "files",
    "Loading a folder uses no network, whatever its configs name.",
    sees="Nothing: the model is loaded.",
)
def test_a_folder_asks_no_network(evil, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    configure(
        evil,
        _name_or_path="mistralai/Mistral-7B-v0.1",
        name_or_path="org/name",
        _attn_implementation="kernels-community/flash-attn2",
        _experts_implementation="org/name",
        base_model_name_or_path="org/name",
        fusion_config={"x": True},
        kernel_config={"RMSNorm": "org/name:RMSNorm"},
        use_kernels=True,
        configuration_files=["config.9.0.0.json"],
        transformers_version="4.57.2",
    )
    file = evil / "tokenizer_config.json"
    said = json.loads(file.read_text(encoding="utf-8")) | {
        "name_or_path": "mistralai/Mistral-7B-v0.1",
        "tokenizer_file": "/etc/passwd",
        "transformers_version": "4.57.2",
        "processor_class": "org/name",
    }
    file.write_text(json.dumps(said), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", QUIET, str(evil)], capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["loaded"], run.stderr


@pytest.mark.parametrize("key", ["quantization_config", "compression_config"])
def test_quantised_weights_are_refused(tiny, key):
    configure(tiny, **{key: {"quant_method": "fp8"}})
    with pytest.raises(NotAModelError, match=f"{key} that the weights are quantised"):
        load_weights(tiny, "cpu")


@pytest.mark.parametrize(
    "values",
    [
        {"dtype": "nonsense", "torch_dtype": "float16"},
        {"return_dict": False, "torchscript": True},
        {"output_hidden_states": True, "output_attentions": True},
        {"architectures": 3},
        {"num_labels": 10**12},
        {"_attn_implementation_internal": "eager"},
    ],
    ids=str,
)
def test_what_says_how_to_run_a_model_is_left_aside(tiny, values):
    before = load_weights(tiny, "cpu")
    configure(tiny, **values)
    after = load_weights(tiny, "cpu")
    assert after.fingerprint == before.fingerprint
    assert after.module(**after.tokenizer("the", return_tensors="pt")).logits.shape == (1, 1, 9)


@pytest.mark.guarantee(
    "files",
    "Every file of a model's folder may be broken in any way: the error is one of this package.",
    sees="`NotAModelError` or `DamagedWeightsError` with the file and what was expected.",
)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.json is not valid JSON"),
        ("[]", "config.json holds a list, expected an object"),
        ("null", "config.json holds a NoneType"),
        ("[" * 200_000, "config.json is not valid JSON"),
        ('{"model_type": 3}', "config.json has no model_type"),
        ('{"model_type": "no such"}', "transformers cannot use .*config.json"),
        ('{"model_type": "t5"}', "makes no causal language model"),
        ('{"model_type": "gpt2", "get_text_config": 1}', "tiny"),
        ('{"model_type": "gpt2", "__class__": "x"}', "tiny"),
        ('{"model_type": "gpt2", "activation_function": "none such"}', "tiny"),
        ('{"model_type": "gpt2", "layer_norm_epsilon": "x"}', "tiny"),
    ],
)
def test_a_config_of_the_wrong_form_is_named(tiny, text, message):
    (tiny / CONFIG).write_text(text, encoding="utf-8")
    with pytest.raises(NotAModelError, match=message):
        load_weights(tiny, "cpu")
