"""Known defects, one file each; FLAWS.md says what a harness should see of them.

A flaw is a module with `apply(parts) -> parts` (an agent's) or `apply_registry(gateway) -> gateway` that
replaces one collaborator where the service is put together. The real code knows nothing of it.
"""

from __future__ import annotations

import importlib
import pkgutil

from refstack.api.deps import Parts
from refstack.registry.gateway import Gateway


def names() -> list[str]:
    """Every flaw there is."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def with_flaw(parts: Parts, name: str) -> Parts:
    """`parts` with the flaw `name`; as they are without one. Raises ValueError naming the flaws there are."""
    if not name:
        return parts
    if name not in names():
        raise ValueError(f"there is no flaw {name!r}; there are: {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    if not hasattr(module, "apply"):
        return parts  # a flaw of the registry's
    flawed: Parts = module.apply(parts)
    return flawed


def with_registry_flaw(gateway: Gateway, name: str) -> Gateway:
    """The registry's gateway with the flaw `name`, where it is one of the registry's."""
    module = importlib.import_module(f"{__name__}.{name}") if name in names() else None
    if module is None or not hasattr(module, "apply_registry"):
        return gateway
    flawed: Gateway = module.apply_registry(gateway)
    return flawed
