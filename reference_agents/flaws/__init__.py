"""Known defects, one file each; FLAWS.md says what a harness should see of them.

A flaw is a module with `apply(parts)` (an agent's), `apply_orchestrator(parts)`, `apply_registry(gateway)`,
`apply_tool(parts)`, `apply_queue(consumer)` (of an agent's Kafka door), `apply_grpc(interceptors)` (of its gRPC door)
or `apply_verifier(verifier)` (any guarded service's). It replaces one collaborator where the service is put together
and returns it. The real code knows nothing of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TypeVar

T = TypeVar("T")
_NO_FLAWS = frozenset({"replacing"})


def names() -> list[str]:
    """Every flaw there is."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _NO_FLAWS)


def with_flaw(parts: T, name: str, hook: str = "apply") -> T:
    """`parts` with the flaw `name`; as they are where there is none, or where it is another kind of service's.

    `hook` is `apply` for an agent, else `apply_orchestrator`, `apply_registry`, `apply_tool`, `apply_queue`,
    `apply_grpc`, `apply_verifier`. Raises ValueError naming the flaws there are.
    """
    if not name:
        return parts
    if name not in names():
        raise ValueError(f"there is no flaw {name!r}; there are: {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    if not hasattr(module, hook):
        return parts
    flawed: T = getattr(module, hook)(parts)
    return flawed
