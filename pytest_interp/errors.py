"""Every error that this package raises.

InterpError
├── UnknownNameError          a model, site, metric, experiment ... that nobody registered
├── BackendNotInstalledError  the backend's package is missing
├── WeightsUnavailableError   the weights are not here and cannot be fetched: specs skip
├── DamagedWeightsError       the weights cannot be read, are not right, or were changed
├── NotAModelError            a folder or file that holds no model
├── CacheError                the folder for converted models cannot be used
├── ClusterError              Ray is missing, or a cluster cannot be reached or keeps losing workers
├── DeviceError               a device or dtype that is unknown, unavailable or too small
├── MemoryLimitError          passes that do not fit in the memory that they may take
├── UnsupportedSiteError      the architecture has no such site, or the site cannot be written
├── HookError                 a hook that did not fire exactly once, or an edit that broke the shape
├── PromptError               prompts, subjects or answers that no experiment can use
├── ExperimentError           an experiment asked for with arguments that make no sense
│   └── ArgumentError         with one that is missing, or of another type than it takes
├── ClaimError                a claim that is badly stated (not one that is false)
├── BaselineError             a baseline that cannot be read, written or compared
├── ReportError               a report of a run that cannot be read or written
└── SpecError                 a spec file or run config that cannot be used

AssertionError
├── ClaimFailed               the claim is false
│   └── NeverReachedError     a layer that the answer never reaches, taken for a number
└── ClaimInconclusive         the evidence cannot decide the claim; an inconclusive claim is no pass

UserWarning
└── UnreadVerdictWarning      a test made a verdict, and nobody looked at it

Each message says what was wrong, what was expected, and what to change or to run.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


class InterpError(Exception):
    """Base of all errors of this package that are not failed claims.

    ``about`` names the argument that is wrong, where it is one: the error of a spec file then
    points at the line of that input.
    """

    def __init__(self, *args: object, about: str | None = None) -> None:
        super().__init__(*args)
        self.about = about


class UnknownNameError(InterpError, LookupError):
    """A name that is not registered."""

    @classmethod
    def of(cls, kind: str, name: object, known: Iterable[str], hint: str = "") -> UnknownNameError:
        """Build the message: the unknown name, the nearest known ones, then all of them."""
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
        message = f"unknown {kind} {name!r}."
        if near:
            message += f" Did you mean {' or '.join(repr(n) for n in near)}?"
        message += f" Known: {', '.join(names) or 'none'}."
        return cls(f"{message} {hint}".rstrip())


def described(error: BaseException) -> str:
    """An error of code that others wrote, in one line: its kind, what it says, and where it was."""
    *_, last = traceback.extract_tb(error.__traceback__) or [None]
    where = "" if last is None else f" ({Path(last.filename).name}:{last.lineno})"
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if said else ''}{said}{where}"


class BackendNotInstalledError(InterpError, ImportError):
    """The package of the asked backend cannot be imported."""


class WeightsUnavailableError(InterpError):
    """The weights are not on this machine and cannot be fetched now."""


class DamagedWeightsError(InterpError):
    """The weights cannot be read, are not finite, or not those that are pinned or were loaded."""


class NotAModelError(InterpError):
    """A folder or file that does not hold a causal language model."""


class CacheError(InterpError):
    """The folder for converted models cannot be found or written."""


class ClusterError(InterpError):
    """Ray is not installed, or its cluster cannot be reached or keeps losing workers."""


class DeviceError(InterpError, ValueError):
    """A device or dtype that is unknown or unavailable, or that the weights overflow."""


class RemoteError(InterpError, RuntimeError):
    """A run that was sent to a server and gave no result, or that cannot be sent."""


class MemoryLimitError(InterpError, MemoryError):
    """Passes that do not fit in the memory that they may take."""


class UnsupportedSiteError(InterpError, ValueError):
    """A site that this architecture lacks, or that cannot be written."""


class HookError(InterpError, RuntimeError):
    """A hook that did not fire exactly once, or an edit of the wrong shape."""


class PromptError(InterpError, ValueError):
    """Prompts, subjects or answers that cannot be used as they are."""


class ExperimentError(InterpError, ValueError):
    """An experiment called with arguments that make no sense."""


class ArgumentError(ExperimentError, TypeError):
    """An experiment called with an argument too few, too many, or of another type."""


class ClaimError(InterpError, ValueError):
    """A claim that is badly stated."""


class BaselineError(InterpError):
    """A baseline that cannot be read, written or compared."""


class ReportError(InterpError):
    """A report of a run that cannot be read or written."""


class SpecError(InterpError, ValueError):
    """A spec file or a run config that cannot be used."""


class ClaimFailed(AssertionError):  # noqa: N818 - it is an assertion, not a mistake of the user
    """The claim is false on this evidence."""


class NeverReachedError(ClaimFailed, TypeError):
    """A layer that the answer never reaches is taken for a number, which it is not."""


class ClaimInconclusive(AssertionError):  # noqa: N818
    """The evidence cannot decide the claim."""


class UnreadVerdictWarning(UserWarning):
    """A test made a verdict with a check, and nobody looked at it."""
