"""One way to add anything: things by name, of this package, of a user's modules, of other packages.

Each kind of thing (experiments, models, sites ...) is kept by one :class:`Registry`. What is built
in registers itself in the same way as what comes from outside. Another package gives things to its
users by entry points in the group of the kind, as ``pytest_interp.experiments``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from importlib import import_module, metadata
from typing import Any, Final, Generic, TypeVar, cast

from pytest_interp.errors import InterpError, UnknownNameError, described

T = TypeVar("T")
HOMES: Final = {
    "experiment": "pytest_interp.experiments.registry",
    "claim": "pytest_interp.claims.registry",
    "model": "pytest_interp.models.registry",
    "architecture": "pytest_interp.adapters.layouts",
    "site": "pytest_interp.adapters.places",
    "metric": "pytest_interp.options.metrics",
    "corruption": "pytest_interp.options.corruptions",
    "backend": "pytest_interp.adapters.backends",
    "figure": "pytest_interp.figures.registry",
}
"""What can be added, and the module that keeps it. None of them imports torch or matplotlib."""
_ALL: Final[dict[str, Registry[Any]]] = {}


class Registry(Generic[T]):
    """The things of one kind, by name."""

    def __init__(
        self,
        kind: str,
        *,
        built_in: Sequence[str] = (),
        things: type[T] | None = None,
        accept: Callable[[str, Any], T] | None = None,
        hint: str | Callable[[str], str] = "",
        origin: Callable[[T], Hashable] | None = None,
    ) -> None:
        """Make the registry of a kind.

        Args:
            kind: what one thing is called in messages, as ``experiment``.
            built_in: modules that register the things of this package when they are imported.
            things: their class. An entry point that names something else is refused.
            accept: where they have no common class: makes a thing of a name and the object that an
                entry point names, or refuses it.
            hint: ends the message about an unknown name; or what makes it of that name.
            origin: equal for two things that are the same, as when a module is imported twice. By
                default it is where a class or function was written, or else the thing itself.
        """
        self.kind, self.group = kind, f"pytest_interp.{kind}s"
        self._modules, self._class, self._hint = built_in, things, hint
        self._accept = accept or self._check_class
        self._origin = origin or _origin
        self._things: dict[str, T] = {}
        self._arriving: set[str] = set()
        _ALL[kind] = self

    def add(self, name: str, thing: T, *, replace: bool = False) -> T:
        """Give a thing a name. Adding the same thing again does nothing.

        Raises:
            InterpError: the name is taken and ``replace`` is not asked for.
        """
        self._load_built_in()
        taken = self._things.get(name)
        point = self._points().get(name)
        if taken is not None:
            free = self._origin(taken) == self._origin(thing)
        else:
            free = point is None or name in self._arriving or self._is_at(point, thing)
        if not replace and not free:
            by = "" if point is None else point.value
            by = by if taken is None else _named(self._origin(taken))
            raise InterpError(
                f"the {self.kind} name {name!r} is taken by {by}: choose another name, or give "
                "replace=True to put yours in its place"
            )
        self._things[name] = thing
        return thing

    def find(self, name: str, error: type[Exception] | None = None) -> T:
        """The thing of this name.

        Raises:
            UnknownNameError: there is none; the message names the nearest. With ``error`` the same
                message is raised as that.
            InterpError: an entry point cannot be loaded, or names something else.
        """
        self._load_built_in()
        if name not in self._things:
            points = self._points()
            if name not in points:
                hint = self._hint(name) if callable(self._hint) else self._hint
                unknown = UnknownNameError.of(self.kind, name, self.names(), hint)
                raise unknown if error is None else error(str(unknown))
            self._load(points[name])
        return self._things[name]

    def names(self) -> list[str]:
        """All names, sorted. Loads no entry point."""
        self._load_built_in()
        return sorted({*self._things, *self._points()})

    def all(self) -> dict[str, T]:
        """All things by name, in the order in which they were added. Loads the entry points."""
        self._load_built_in()
        for name, point in self._points().items():
            if name not in self._things:
                self._load(point)
        return dict(self._things)

    def here(self) -> dict[str, T]:
        """The things by name that are here already. Fast: it looks at no entry point."""
        self._load_built_in()
        return self._things

    def __contains__(self, name: object) -> bool:
        self._load_built_in()
        return name in self._things or name in self._points()

    def _load(self, point: metadata.EntryPoint) -> None:
        package = "" if point.dist is None else f" of the package {point.dist.name}"
        self._arriving.add(point.name)
        try:
            found = point.load()
            if point.name not in self._things:  # the import may have registered it
                self.add(point.name, self._accept(point.name, found))
        except Exception as error:  # of a package that others wrote
            raise InterpError(
                f"the {self.kind} {point.name!r}{package} cannot be loaded from {point.value}: "
                f"{described(error)}. Repair that package, or remove it"
            ) from error
        finally:
            self._arriving.discard(point.name)

    def _check_class(self, name: str, thing: Any) -> T:
        if self._class is not None and not isinstance(thing, self._class):
            found, wanted = type(thing).__name__, self._class.__name__
            raise InterpError(f"the {self.kind} {name!r} must be a {wanted}, got a {found}")
        made: T = thing
        return made

    def _is_at(self, point: metadata.EntryPoint, thing: T) -> bool:
        """Whether an entry point means this thing, whose module is imported or is being so."""
        module = sys.modules.get(point.module)
        found = reduce(lambda at, name: getattr(at, name, None), point.attr.split("."), module)
        if found is None:  # a module that registers a thing before it has given it its name
            return module is not None
        return self._origin(self._accept(point.name, found)) == self._origin(thing)

    def _points(self) -> dict[str, metadata.EntryPoint]:
        return entry_points(self.group)

    def _load_built_in(self) -> None:
        modules, self._modules = self._modules, ()  # they come back here when they add their things
        for module in modules:
            import_module(module)


@cache
def entry_points(group: str) -> dict[str, metadata.EntryPoint]:
    """The entry points of all installed packages, by name."""
    return {point.name: point for point in _installed().select(group=group)}


@cache
def _installed() -> metadata.EntryPoints:
    """Those of all groups: to find one group, the files of every package are read."""
    # before Python 3.12 they come by group, and ``select`` is what both have in common
    return cast("metadata.EntryPoints", metadata.entry_points())


def _look_again() -> None:
    """Packages may have been installed, or taken away."""
    entry_points.cache_clear()
    _installed.cache_clear()


@contextmanager
def restored() -> Iterator[None]:
    """What is added to any registry inside this block is gone after it."""
    for home in HOMES.values():
        import_module(home)
    for registry in _ALL.values():
        registry._load_built_in()
    _look_again()
    before = {kind: dict(registry._things) for kind, registry in _ALL.items()}
    try:
        yield
    finally:
        _look_again()
        for kind, things in before.items():
            _ALL[kind]._things = things


def _origin(thing: object) -> Hashable:
    if hasattr(thing, "__qualname__"):
        return thing.__module__, thing.__qualname__
    return thing


def _named(origin: Hashable) -> str:
    return ".".join(map(str, origin)) if isinstance(origin, tuple) else str(origin)
