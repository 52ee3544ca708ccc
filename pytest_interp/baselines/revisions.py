"""Files of a git revision, read without touching the working folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from pytest_interp.errors import BaselineError
from pytest_interp.git import git


def commit_of(revision: str) -> str:
    """The commit that a revision names.

    Raises:
        BaselineError: it names none here, or git is not installed.
    """
    if shutil.which("git") is None:
        raise BaselineError("git is not installed: give two folders of baselines")
    asked = ("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    # git would read as an option what begins with a hyphen
    found = None if revision.startswith("-") else git("rev-parse", *asked)
    if found is None:
        raise BaselineError(
            f"{revision!r} is neither a folder nor a git revision here: give a folder, or "
            "a revision such as HEAD, from inside of the repository"
        )
    return found.decode().strip()


def folder_in(commits: list[str], folder: str) -> str:
    """Where a folder lies, from the top of the repository.

    It lies below the working folder or, where no commit has files there, below the nearest folder
    above it where a commit has some.

    Raises:
        BaselineError: the folder lies outside of the repository.
    """
    top = Path(os.fsdecode(_must("rev-parse", "--show-toplevel")).strip())
    prefix = PurePosixPath(os.fsdecode(_must("rev-parse", "--show-prefix")).strip())
    if os.path.isabs(folder):
        found = Path(folder).resolve()
        places = [found.relative_to(top).as_posix()] if found.is_relative_to(top) else []
    else:
        joined = [os.path.normpath(above / folder) for above in (prefix, *prefix.parents)]
        places = [place for place in joined if place.split("/")[0] != ".."]
    if not places:
        raise BaselineError(
            f"the folder {folder!r} lies outside of the repository {top}: name one inside of it"
        )
    return next((p for p in places if any(_listed(c, p) for c in commits)), places[0])


def files_of(commit: str, folder: str, suffix: str) -> dict[str, bytes]:
    """The files whose names end in a suffix, by their path below a folder of the repository.

    Raises:
        BaselineError: git cannot read them.
    """
    ids = {path: key for path, key in _listed(commit, folder).items() if path.endswith(suffix)}
    if not ids:
        return {}
    asked = "".join(f"{key}\n" for key in ids.values()).encode()
    answer, contents = _must("cat-file", "--batch", given=asked), {}
    for path in ids:
        head, _, rest = answer.partition(b"\n")
        if not head.split()[-1].isdigit():
            raise BaselineError(f"git has no content of {path} in {commit[:12]}: fetch it")
        size = int(head.split()[-1])
        contents[os.path.relpath(path, folder)] = rest[:size]
        answer = rest[size + 1 :]
    return contents


def _listed(commit: str, folder: str) -> dict[str, str]:
    """Paths from the top of the repository, with the ids of their contents; no links."""
    within = [] if folder == "." else ["--", folder]
    lines = _must("ls-tree", "-r", "-z", "--full-tree", commit, *within).split(b"\0")
    rows = (line.partition(b"\t") for line in lines if line.startswith(b"100"))
    return {os.fsdecode(path): head.split()[2].decode() for head, _, path in rows}


def _must(*arguments: str, given: bytes = b"") -> bytes:
    answer = git(*arguments, given=given)
    if answer is None:
        command = " ".join(arguments[:2])
        raise BaselineError(f"git {command} failed in {Path.cwd()}, or took more than a minute")
    return answer
