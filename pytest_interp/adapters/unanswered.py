"""What is said of a run that was sent and gave no result: what failed, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_interp.errors import RemoteError, described

_LISTED = "python -c 'import nnsight; print(nnsight.status())'"
_KEPT = "Run again: unless results are off, parts of a set of facts that are finished are kept"
_REFUSED = {
    401: "The server refused the API key. nnsight reads it from NDIF_API_KEY: give one that the"
    " server knows",
    404: f"The server does not have this model. Of ndif, this lists those that run: {_LISTED}",
    503: f"The server takes no runs at present, or its queue is full. Wait. {_KEPT}",
}
"""By the HTTP status."""
_SAME = {403: 401, 429: 503, 500: 503, 502: 503, 504: 503}


def explained(error: Exception, at: str) -> RemoteError:
    """The error of a run that was sent, with what to do."""
    said = described(error)
    return RemoteError(f"a run sent to {at} gave no result: {said}. {_advice(error, said, at)}")


def _advice(error: Exception, said: str, at: str) -> str:
    status = next(filter(None, map(_status, _chain(error))), None)
    if status is not None and (status := _SAME.get(status, status)) in _REFUSED:
        return _REFUSED[status]
    kinds = {type(one).__name__ for one in _chain(error)}
    if kinds & {"ConnectionRefusedError", "gaierror", "ConnectError", "OfflineModeIsEnabled"}:
        return f"Nobody answers. Check the address ({at}) and the network. {_KEPT}"
    if kinds & {"WebSocketConnectionClosedException", "ValidationError", "JSONDecodeError"} or any(
        isinstance(one, OSError) or "Timeout" in type(one).__name__ for one in _chain(error)
    ):
        return f"The connection was lost before the run was done. {_KEPT}"
    if "pickle" in said:
        return (
            "The run holds something that cannot be sent. An edit that refers to a module, a file"
            " or a lock cannot: let it refer to tensors and plain values"
        )
    return "The run failed there. Try it with remote: local, and without remote"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__


def _status(error: BaseException) -> int | None:
    answer = getattr(error, "response", error)
    status = getattr(answer, "status_code", None)
    return status if isinstance(status, int) else None
