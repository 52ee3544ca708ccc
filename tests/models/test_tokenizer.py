"""The tokenizer of a folder is read as it was written, and is the model's."""

import json
from dataclasses import replace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from pytest_interp import FactPrompt, FactSet, causal_trace
from pytest_interp.errors import NotAModelError, PromptError
from pytest_interp.experiments.knowledge import known_facts
from pytest_interp.models import load_model, load_weights
from pytest_interp.planted import planted_model
from tests.models.conftest import save_tiny

CONFIG = "tokenizer_config.json"


@pytest.mark.guarantee(
    "messages",
    "A tokenizer that transformers reads in another way than it was written is named at load.",
    sees="`NotAModelError`: the class that it was read as, the missing tokenizer_class, and what it"
    " makes of its own words.",
)
@pytest.mark.parametrize("architecture", ["gpt2", "qwen3", "gemma3_text"])
@pytest.mark.parametrize("config", [None, "{}", '{"model_max_length": 1024}'])
def test_without_its_config_a_tokenizer_is_read_as_another(tmp_path, architecture, config):
    folder = save_tiny(tmp_path / "m", architecture)
    (folder / CONFIG).unlink()
    if config is not None:
        (folder / CONFIG).write_text(config, encoding="utf-8")
    message = r"as \w+Tokenizer, for no tokenizer_config\.json names its tokenizer_class"
    with pytest.raises(NotAModelError, match=message):
        load_weights(folder, "cpu")


def test_a_planted_model_without_it_is_told_the_same(tmp_path):
    planted_model("gpt2").save(tmp_path)
    load_weights(tmp_path, "cpu")
    (tmp_path / CONFIG).unlink()
    with pytest.raises(NotAModelError, match="of its own vocabulary"):
        load_weights(tmp_path, "cpu")


def test_a_tokenizer_that_needs_no_config_is_loaded_without_it(tmp_path):
    folder = save_tiny(tmp_path / "m", "llama")
    (folder / CONFIG).unlink()
    assert load_weights(folder, "cpu").tokenizer("the capital")["input_ids"] == [1, 2]


def save_tokenizer(folder, words, added=()):
    core = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")
    tokenizer.add_tokens([*added])
    tokenizer.save_pretrained(folder)


@pytest.mark.guarantee(
    "messages",
    "Token ids for which the model has no embedding are an error with their cause.",
    sees="`NotAModelError` at load for the tokenizer of another model, `PromptError` for a token"
    " that was added beyond the embedding.",
)
def test_the_tokenizer_of_another_model_is_refused(tiny):
    save_tokenizer(tiny, ["<unk>", *(f"w{i}" for i in range(30))])
    with pytest.raises(NotAModelError, match="has 31 tokens, and the model's embedding has 9 rows"):
        load_weights(tiny, "cpu")


@pytest.mark.guarantee(
    "messages",
    "Token ids for which the model has no embedding are an error with their cause.",
    sees="`NotAModelError` at load for the tokenizer of another model, `PromptError` for a token"
    " that was added beyond the embedding.",
)
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
def test_a_token_that_was_added_beyond_the_embedding_is_refused_when_it_is_used(tiny, backend):
    words = ["<unk>", "the", "capital", "of", "France", "Japan", "is", "Paris", "Tokyo"]
    save_tokenizer(tiny, words, added=["<image>"])  # as Gemma 3 has one
    adapter = load_model(tiny, backend, "cpu")
    adapter.run(adapter.encode("the capital of Japan is"))
    fact = FactPrompt(
        clean_prompt="the capital of France is",
        corrupt_prompt="the capital of Japan is",
        answer="Paris",
        counterfactual_answer="Tokyo",
    )
    for used in (
        lambda: adapter.encode("the capital of <image>"),
        lambda: adapter.run([[1, 2, 9]]),
        lambda: adapter.run([[1, 2, -1]]),
        lambda: adapter.answer_id("<image>"),
        lambda: causal_trace(adapter, replace(fact, answer="<image>"), controls=False),
        lambda: causal_trace(adapter, replace(fact, counterfactual_answer="<image>")),
        lambda: causal_trace(adapter, replace(fact, clean_prompt="the capital of <image> is")),
    ):
        with pytest.raises(PromptError, match=r"no token (9|-1): its embedding has 9 rows"):
            used()
    # of several facts, that one is reported and the others are asked for
    other = FactPrompt(
        clean_prompt="the capital of Japan is",
        corrupt_prompt="the capital of France is",
        answer="<image>",
        counterfactual_answer="Paris",
    )
    usable, added = known_facts(adapter, FactSet.of([fact, other]))
    assert usable.problem is None
    assert "no token 9: its embedding has 9 rows" in added.problem


@pytest.mark.guarantee(
    "files",
    "Every file of a model's folder may be broken in any way: the error is one of this package.",
    sees="`NotAModelError` or `DamagedWeightsError` with the file and what was expected.",
)
@pytest.mark.parametrize("file", ["tokenizer.json", CONFIG])
@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", "null", "\x00", "[" * 200_000, '{"model": 3}']
)
def test_a_tokenizer_of_the_wrong_form_is_named(tiny, file, text):
    (tiny / file).write_text(text, encoding="utf-8")
    with pytest.raises(NotAModelError) as raised:
        load_weights(tiny, "cpu")
    assert f"the tokenizer in {tiny}" in str(raised.value)


MISTAKES = [3, 0, -1, "x", [], {}, None, True]


@pytest.mark.parametrize("key", ["tokenizer_class", "model_max_length", "unk_token", "backend"])
@pytest.mark.parametrize("value", MISTAKES, ids=str)
def test_a_key_of_the_wrong_type_is_harmless_or_named(tiny, key, value):
    said = json.loads((tiny / CONFIG).read_text(encoding="utf-8")) | {key: value}
    (tiny / CONFIG).write_text(json.dumps(said), encoding="utf-8")
    try:
        tokenizer = load_weights(tiny, "cpu").tokenizer
    except NotAModelError as error:
        assert f"the tokenizer in {tiny}" in str(error)  # noqa: PT017 - either is right
    else:
        assert tokenizer("the capital")["input_ids"] == [1, 2]
