"""One file a fault, found by itself; plans are data: see docs/mock-llm/faults.md."""

from __future__ import annotations

import importlib
import pkgutil

from mock_llm.faults.fault import FAULTS, Cut, Fault, Hit, Step, Steps, UnknownFault, fault

__all__ = ["FAULTS", "Cut", "Fault", "Hit", "Step", "Steps", "UnknownFault", "discover", "fault"]

_NOT_FAULTS = {"fault", "plan"}


def discover() -> None:
    """Import every module of this package, so that each fault registers itself."""
    for info in pkgutil.iter_modules(__path__):
        if info.name not in _NOT_FAULTS and not info.name.startswith("_"):
            importlib.import_module(f"{__name__}.{info.name}")
