"""Settings for this repository's own runs of tests and specs."""

import os

# Weights come from packages and from the cache; HF_HUB_OFFLINE=0 opens the hub. This has to
# stand before anything imports huggingface_hub, which reads it once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

pytest_plugins = ["pytester"]
