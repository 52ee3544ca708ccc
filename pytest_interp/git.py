"""One command of git, and what it answers."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(
    *arguments: str, folder: Path | None = None, given: bytes = b"", seconds: float = 60.0
) -> bytes | None:
    """The output of a git command; None where it fails or git is not installed.

    Args:
        arguments: the command, as in ``git("rev-parse", "HEAD")``.
        folder: where it runs. The working folder is the default.
        given: its standard input.
        seconds: time after which it counts as failed.
    """
    command = ["git", "-C", str(folder or "."), *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
