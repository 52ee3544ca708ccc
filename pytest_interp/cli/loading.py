"""The options that say what a model is loaded on, alike in every command that loads one."""

from __future__ import annotations

import argparse


def add_device_and_dtype(parser: argparse.ArgumentParser) -> None:
    """Describe ``--device`` and ``--dtype``."""
    parser.add_argument("--device", help="cuda, mps or cpu; by default the first that is available")
    parser.add_argument("--dtype", help="by default bfloat16 on cuda and float32 elsewhere")
