"""How a result came about: everything needed to produce it again."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from pytest_interp.git import git

PACKAGES = ("pytest-interp", "torch", "transformers", "transformer-lens", "nnsight", "numpy")
"""Distributions whose versions are recorded."""


@dataclass(frozen=True)
class Provenance:
    """Where, when and with what a result was made. Shown when it differs, never compared."""

    model: str
    fingerprint: str
    """Digest over the tensors of the model."""
    source: str
    """Where the tensors came from."""
    backend: str
    device: str
    dtype: str
    attention: str
    bos: str
    seed: int | None = None
    """Seed of the random numbers that were drawn, or that the run was to draw them from."""
    time: str = ""
    python: str = ""
    platform: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    git_sha: str | None = None
    git_dirty: bool | None = None

    def stamped(self) -> Self:
        """The same with the time, the machine, the library versions and the git state.

        Where it has no seed, it gets that of the run (:func:`seeded`).
        """
        sha, dirty = _git.get() or git_state(Path.cwd())
        return replace(
            self,
            seed=_seed.get() if self.seed is None else self.seed,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            python=platform.python_version(),
            platform=platform.platform(),
            versions=dict(versions_here()),
            git_sha=sha,
            git_dirty=dirty,
        )

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


_seed: ContextVar[int | None] = ContextVar("pytest_interp_seed", default=None)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Results made inside this block record this seed, also where they draw no random number."""
    token = _seed.set(seed)
    try:
        yield
    finally:
        _seed.reset(token)


def run_seed() -> int | None:
    """The seed that results of this moment record (:func:`seeded`)."""
    return _seed.get()


_git: ContextVar[tuple[str | None, bool | None] | None] = ContextVar(
    "pytest_interp_git", default=None
)


@contextmanager
def inside(sha: str | None, dirty: bool | None) -> Iterator[None]:
    """Results made inside this block record the git state of whoever asked for them."""
    token = _git.set((sha, dirty))
    try:
        yield
    finally:
        _git.reset(token)


@cache
def versions_here() -> dict[str, str]:
    """The versions of what is installed of :data:`PACKAGES`."""
    found = {}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@cache
def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of the folder and whether its tree had changes; (None, None) outside of git.

    Changed baselines do not count: a run writes them, and its results do not depend on them.
    """
    sha = git("rev-parse", "HEAD", folder=folder, seconds=10)
    if sha is None:
        return None, None
    paths = (":(top)", *(f":(top,exclude,glob)**/*--*{suffix}" for suffix in (".json", ".png")))
    asked = ("status", "--porcelain", "--untracked-files=no", "--", *paths)
    changes = git(*asked, folder=folder, seconds=10)
    return sha.decode().strip(), None if changes is None else bool(changes.strip())
