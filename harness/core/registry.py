"""A named set of variants, each registered at its own end."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from harness.core.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Variants of one kind (`kind` is the word used in messages, e.g. "fault"), by name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: put the decorated object under `name`. Raises ValueError when the name is taken."""

        def keep(item: T) -> T:
            if name in self._items:
                raise ValueError(f"two {self.kind}s are called {name!r}")
            self._items[name] = item
            return item

        return keep

    def get(self, name: str) -> T:
        """The variant called `name`. Raises ConfigError naming the closest names there are."""
        if name in self._items:
            return self._items[name]
        close = difflib.get_close_matches(name, self._items, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(sorted(self._items))}"
        raise ConfigError(f"unknown {self.kind} {name!r}", hint=hint)

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return iter(sorted(self._items.items()))

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __len__(self) -> int:
        return len(self._items)

    def discover(self, package: str) -> None:
        """Import every module of `package`, so that each variant registers itself."""
        root = importlib.import_module(package)
        for module in pkgutil.iter_modules(root.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{package}.{module.name}")
