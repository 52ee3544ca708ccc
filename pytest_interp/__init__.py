"""Claims about the insides of language models, as tests."""
