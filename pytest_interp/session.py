"""What one pytest session holds of models: which are wanted, which are loaded, what was computed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What a parametrized test runs on.

    Attributes:
        model: name of the model, as the spec says it.
        backend: name of the backend, or None for a test that asks only for the weights.
    """

    model: str
    backend: str | None

    def __str__(self) -> str:
        return self.model if self.backend is None else f"{self.model}-{self.backend}"
