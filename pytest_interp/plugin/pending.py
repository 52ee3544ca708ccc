"""What failing comparisons leave for a review: where it lies, and which test it is of."""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_interp.errors import BaselineError
from pytest_interp.plugin.gathering import gathered
from pytest_interp.plugin.options import overrides
from pytest_interp.plugin.owners import baseline_root, command_of, option_pairs
from pytest_interp.plugin.specs import is_spec_file
from pytest_interp.plugin.targets import target_of

if TYPE_CHECKING:
    from pytest_interp.baselines.pending import Judged, Origin, PendingFolder

INI = "interp_pending_dir"
_SPECS = pytest.StashKey[dict[Path, str]]()
"""The digests of the spec files when they were collected."""
_JUDGED = pytest.StashKey[dict[tuple[Path, object], dict[str, list["Judged"]]]]()
"""Of each YAML spec and what it ran on: what each of its tests decided."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The folder of what waits."""
    text = "folder below rootdir of results that wait for a review"
    parser.addini(INI, text, default=".pytest_interp/pending")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Note what the specs are: one that is edited during or after the run is another."""
    yield
    users = (item for item in items if "baseline" in getattr(item, "fixturenames", ()))
    config.stash[_SPECS], config.stash[_JUDGED] = {}, {}
    for item in users:
        _digest_of(item)


def _digest_of(item: pytest.Item) -> str:
    digests, spec = item.config.stash[_SPECS], item.path
    if spec not in digests:
        digests[spec] = sha256(spec.read_bytes()).hexdigest()
    return digests[spec]


def pending_folder(config: pytest.Config) -> PendingFolder:
    """Where results wait for a review.

    Raises:
        BaselineError: the ini file puts it in the folder of baselines, or around it.
    """
    from pytest_interp.baselines.pending import PendingFolder

    root, baselines = config.rootpath / str(config.getini(INI)), baseline_root(config)
    own, theirs = root.resolve(), baselines.resolve()
    if own.is_relative_to(theirs) or theirs.is_relative_to(own):
        raise BaselineError(
            f"{INI} = {config.getini(INI)} in the ini file: what waits for a review lies apart "
            f"from the baselines in {baselines}. Set a folder of its own"
        )
    return PendingFolder(root, baselines, _command(config))


def _command(config: pytest.Config) -> str:
    """What reviews the results of this project, from the working folder."""
    given, here = config.option, config.invocation_params.dir
    parts = ["pytest-interp", "review"]
    if not here.resolve().is_relative_to(config.rootpath.resolve()):
        parts += ["--project", os.path.relpath(config.rootpath, here)]
    asked = {"-c": [given.inifilename], "--rootdir": [given.rootdir], "-o": overrides(config)}
    return shlex.join([*parts, *option_pairs(asked)])


def origin_of(item: pytest.Item) -> Origin:
    """Which test it is, and what its spec is."""
    from pytest_interp.baselines.pending import Origin

    return Origin(
        test=item.nodeid,
        spec=item.path.resolve().relative_to(item.config.rootpath.resolve()).as_posix(),
        spec_digest=_digest_of(item),
        command=command_of(item),
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Keep what a test of a YAML spec decided: its baseline is compared by a test of its own."""
    if is_spec_file(item.path) and gathered(item).claims:
        _of_spec(item)[item.nodeid] = _claims(item)
    return (yield)


def claims_of(item: pytest.Item) -> list[Judged]:
    """What the claims of a test came to; of a YAML spec, what those of all its tests did."""
    others = _of_spec(item).values() if is_spec_file(item.path) else ()
    return [*chain.from_iterable(others)] or _claims(item)


def _of_spec(item: pytest.Item) -> dict[str, list[Judged]]:
    return item.config.stash[_JUDGED].setdefault((item.path, target_of(item)), {})


def _claims(item: pytest.Item) -> list[Judged]:
    from pytest_interp.baselines.pending import Judged

    return [Judged(one.status, one.claim, one.sentence) for one in gathered(item).claims]
