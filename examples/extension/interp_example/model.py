"""A model: a small StarCoder 2 with random weights, which needs no download."""

from dataclasses import dataclass

from pytest_interp.models import ModelEntry, Source, register_model

WORDS = ["<unk>", "the", "capital", "of", "France", "Japan", "is", "Paris", "Tokyo"]


@dataclass(frozen=True)
class RandomStarcoder2(Source):
    """Random weights; equal seeds give equal weights."""

    seed: int = 0

    def describe(self) -> str:
        return f"random StarCoder 2, seed {self.seed}"

    def check(self) -> None:
        """It is always here."""

    def load(self, dtype):
        import torch
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import PreTrainedTokenizerFast, Starcoder2Config, Starcoder2ForCausalLM

        config = Starcoder2Config(
            vocab_size=len(WORDS),
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=3,
            num_attention_heads=4,
            pad_token_id=0,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            module = Starcoder2ForCausalLM(config)
        words = models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>")
        tokenizer = Tokenizer(words)
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")
        return module.eval().requires_grad_(False).to(dtype), fast


TINY_STARCODER2 = ModelEntry(RandomStarcoder2())
register_model("tiny-starcoder2", TINY_STARCODER2.source)
