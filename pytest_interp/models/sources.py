"""Where weights come from. Each source is a value: cheap to make, equal when it means the same.

Light: torch and transformers are imported when :meth:`Source.load` is called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import (
    InterpError,
    NotAModelError,
    UnknownNameError,
    WeightsUnavailableError,
)
from pytest_interp.models import checkpoint
from pytest_interp.progress import report

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Source(ABC):
    """A place that weights come from."""

    @abstractmethod
    def describe(self) -> str:
        """The place in words, fit for a provenance record."""

    @abstractmethod
    def check(self) -> None:
        """Raise unless the weights are on this machine. Fast; no network.

        Raises:
            WeightsUnavailableError: they are not; the message says how to get them.
            NotAModelError: what is there is no model.
        """

    @abstractmethod
    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """Load module and tokenizer on the CPU. Fetches the weights first where that is needed."""

    def skeleton(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The modules without weights, and the tokenizer. Fetches no weights where they lie apart.

        Raises:
            InterpError: as for :meth:`load`.
        """
        from pytest_interp.adapters.skeleton import emptied

        module, tokenizer = self.load(dtype)
        return emptied(module), tokenizer

    def identity(self) -> Hashable:
        """Equal for two loads that must give the same weights."""
        return self

    def converted_folder(self) -> Path | None:
        """Where a converted copy of the weights lies; None where there is none."""
        return None

    def folder(self) -> Path | None:
        """The folder on this machine that holds the safetensors; None where they lie in none."""
        return self.converted_folder()


@dataclass(frozen=True)
class FolderSource(Source):
    """A folder as ``save_pretrained`` writes it, with safetensors."""

    path: Path

    def describe(self) -> str:
        return f"folder {self.path}"

    def check(self) -> None:
        checkpoint.check_folder(self.path)

    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        return checkpoint.open_checkpoint(self.path, dtype)

    def skeleton(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        return checkpoint.open_skeleton(self.path, dtype)

    def folder(self) -> Path:
        return self.path

    def identity(self) -> Hashable:
        # a folder can be written anew between two loads in one process
        stats = [(file, file.stat()) for file in sorted(self.path.glob("*")) if file.is_file()]
        return self, tuple((file.name, stat.st_size, stat.st_mtime_ns) for file, stat in stats)


@dataclass(frozen=True)
class HubSource(Source):
    """A repository of the Hugging Face hub. What is already in its cache is taken as it is."""

    repo: str
    revision: str | None = None
    also: tuple[str, ...] = ()
    """Former names of the repository, under which it may be in the cache."""
    is_known: bool = field(default=True, compare=False)
    """Whether somebody vouches that the hub has it. A name that nobody registered may be mistyped:
    where the hub cannot be asked, that is an error and no missing weights."""

    def describe(self) -> str:
        return f"hub {self.repo}" + (f"@{self.revision}" if self.revision else "")

    def check(self) -> None:
        if self._cached() is None:
            raise self._unavailable("it is not in the local cache of the hub")

    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        return checkpoint.open_checkpoint(self._cached() or self._download(), dtype)

    def skeleton(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        folder = self._cached(weights=False) or self._download(weights=False)
        return checkpoint.open_skeleton(folder, dtype)

    def folder(self) -> Path | None:
        return self._cached()

    def _cached(self, weights: bool = True) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        for repo in (self.repo, *self.also):
            config = try_to_load_from_cache(repo, "config.json", revision=self.revision)
            if isinstance(config, str):
                folder = Path(config).parent
                if not checkpoint.folder_problems(folder, weights=weights):
                    return folder
        return None

    def _download(self, weights: bool = True) -> Path:
        from huggingface_hub import HfApi, errors, snapshot_download

        what = f"downloading {self.repo} from the Hugging Face hub"
        report(what, 0, 1)
        try:
            # this asks the hub first: without it, a download accepts half a cached model
            files = HfApi().list_repo_files(self.repo, revision=self.revision)
            patterns = [one for one in checkpoint.FILES if weights or one not in checkpoint.WEIGHTS]
            folder = snapshot_download(self.repo, revision=self.revision, allow_patterns=patterns)
        except errors.OfflineModeIsEnabled as error:
            reason = "it is not in the local cache, and HF_HUB_OFFLINE forbids to ask the hub"
            raise self._unreachable(reason) from error
        except errors.GatedRepoError as error:
            terms = f"its terms must be accepted first: https://huggingface.co/{self.repo}"
            raise self._unavailable(terms) from error
        except errors.RepositoryNotFoundError as error:
            raise UnknownNameError(
                f"the hub has no repository {self.repo!r} that you may read, and there is no folder"
                " of that name here. Check the spelling; for a private one: hf auth login"
            ) from error
        except (errors.RevisionNotFoundError, errors.HFValidationError) as error:
            brief = str(error).partition("\n")[0]
            raise UnknownNameError(f"{self.describe()} is not on the hub: {brief}") from error
        except Exception as error:  # whatever stops a download, the weights are not here
            brief = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
            reason = f"it is not in the local cache, and the hub is out of reach ({brief})"
            raise self._unreachable(reason) from error
        if not any(file.endswith(".safetensors") for file in files):
            raise NotAModelError(
                f"the hub's {self.repo} has no safetensors. Other formats are pickles, which can"
                " run code when they are opened, and are not read. Convert the model and give the"
                " folder's path."
            )
        report(what, 1, 1)
        return Path(folder)

    def _unreachable(self, reason: str) -> InterpError:
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        folder = repo_folder_name(repo_id=self.repo, repo_type="model")
        # a part of it in the cache, or another revision: the hub has had it
        if self.is_known or Path(constants.HF_HUB_CACHE, folder).is_dir():
            return self._unavailable(reason)
        return UnknownNameError(
            f"nothing here says that the hub has a repository {self.repo!r}: no model is "
            f"registered from it, {reason}. The name may be mistyped. If it is right, run with "
            f"access to the hub:\n    {self._fetch()}\n"
            "or register it in a conftest.py, and its specs skip where the weights are missing:\n"
            f"    register_model({self.repo!r}, {self.repo!r})"
        )

    def _unavailable(self, reason: str) -> WeightsUnavailableError:
        return WeightsUnavailableError(
            f"the weights of {self.repo} are not available: {reason}. With access to the hub, run:"
            f"\n    {self._fetch()}\n"
            "or copy the model's folder here and give its path instead of the name."
        )

    def _fetch(self) -> str:
        # the hub's own command also downloads formats that are not read
        return f"pytest-interp models fetch {self.describe().removeprefix('hub ')}"


@dataclass(frozen=True)
class PlantedSource(Source):
    """A small transformer that this package builds, with a known mechanism in its weights."""

    architecture: str
    mechanism: str = "facts"
    """``facts``, ``told`` (whether a text told it what it is asked), ``induction`` or ``ioi``."""

    def describe(self) -> str:
        what = "" if self.mechanism == "facts" else f", {_PLANTED[self.mechanism]}"
        return f"planted {self.architecture}{what}"

    def check(self) -> None:
        """It is always here."""

    def load(self, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        from pytest_interp import planted

        builders: dict[str, Callable[[str], Any]] = {
            "facts": planted.planted_model,
            "told": planted.planted_told_model,
            "induction": planted.planted_induction_model,
            "ioi": planted.planted_ioi_model,
        }
        made = builders[self.mechanism](self.architecture)
        return made.module.to(dtype), made.tokenizer


_PLANTED = {"told": "told or not told", "induction": "induction", "ioi": "indirect objects"}
